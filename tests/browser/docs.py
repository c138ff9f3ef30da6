"""Runs every command of docs/browsers.md, then the browsers that were set up by them.

    docs.py yourself|everybody

"everybody" writes to /etc, so it wants a mount namespace of its own with root's rights in it (browser.sh makes one).
"""
import glob
import os
import re
import shutil
import subprocess
import sys
import time

from stage import EC, Stage, play

PIN = "123456"
PATIENCE = 60
INSTALLED = "/usr/local/lib/pkcs11/ingam-pkcs11.so"
# Which scene runs the commands of which section.
SECTIONS = {
    "yourself": ["Firefox, for yourself", "Chromium, for yourself", "When something is missing"],
    "everybody": ["Firefox, for everybody on a computer", "Chromium, for everybody on a computer",
                  "Through p11-kit, for every program at once"],
}


class Page:
    """The commands of a document, by section: "sh" blocks, and "undo" for those that take back."""

    def __init__(self, file, replacements):
        with open(file) as text:
            text = text.read()
        for old, new in replacements.items():
            assert old in text, f"{file} says nothing of {old}"
            text = text.replace(old, new)
        self.blocks = {}
        for section in re.split(r"^## ", text, flags=re.M)[1:]:
            title = section.split("\n", 1)[0]
            found = re.findall(r"^```(\w[^\n]*)\n(.*?)^```$", section, flags=re.M | re.S)
            unknown = [kind for kind, _ in found if kind not in ("sh", "sh undo")]
            assert not unknown, f"{title}: blocks of an unknown kind: {unknown}"
            if found:
                self.blocks[title] = found
        known = {title for titles in SECTIONS.values() for title in titles}
        assert set(self.blocks) == known, f"sections with commands: {sorted(self.blocks)}, tested: {sorted(known)}"

    def commands(self, title, kind="sh"):
        return "".join(text for found, text in self.blocks[title] if found == kind)


class Terminal:
    """One shell in one home, as a person has it open while reading."""

    def __init__(self, home):
        self.shell = subprocess.Popen(["sh", "-eu"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                      stderr=subprocess.STDOUT, env={**os.environ, "HOME": home}, cwd=home)

    def run(self, commands):
        """What they print; AssertionError when one fails."""
        self.shell.stdin.write(commands + "\necho END OF COMMANDS\n")
        self.shell.stdin.flush()
        said = ""
        for line in self.shell.stdout:
            if line == "END OF COMMANDS\n":
                return said
            said += line
        raise AssertionError(f"a command failed: {commands}\n{said}")

    def close(self):
        self.shell.stdin.close()
        self.shell.wait(10)
        self.shell.stdout.close()


class Scene:
    def __init__(self, stage, which):
        self.stage, self.which = stage, which

    def run(self):
        self.stage.prepare(EC)
        ca = self.stage.pki.path("rsa.ca.pem")
        self.url = f"https://one.localhost:{self.stage.judge.ports['ec 1.3']}"
        self.page = Page(os.path.join(os.environ["SOURCE"], "docs/browsers.md"), {
            INSTALLED: self.stage.module, "/usr/local/share/ca-certificates/our-ca.crt": ca, "our-ca.pem": ca,
            "https://portal.example.org": self.url})
        if self.which == "yourself":
            self.firefox_for_yourself()
            self.chromium_for_yourself()
            self.something_missing()
        else:
            self.private_etc()
            self.firefox_for_everybody()
            self.chromium_for_everybody()
            self.through_p11_kit()

    def terminal(self, home):
        return self.stage.keep(Terminal(home))

    def section(self, title, terminal, kind="sh"):
        return terminal.run(self.page.commands(title, kind))

    def handshake(self, kind, home, what, profile=None, want=("certificate", "pin")):
        self.stage.start(kind, home, profile)
        asked, _, _ = self.stage.visit("ec 1.3", "one", [PIN])
        assert asked == list(want), f"asked: {asked}"
        self.stage.stop()
        self.stage.ok(f"{what}; asked: {', '.join(asked)}")

    def firefox_profile(self, home):
        """The profile that Firefox makes when it is started for the first time."""
        log = self.stage.keep(open(os.path.join(home, "first-start.err"), "wb"))
        firefox = subprocess.Popen(["firefox-esr", "--headless"], env={**os.environ, "HOME": home}, stdout=log,
                                   stderr=log, stdin=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        try:
            while not glob.glob(home + "/.*/**/*.default-esr/pkcs11.txt", recursive=True):
                assert time.monotonic() < until, "Firefox made no profile"
        finally:
            firefox.terminate()
            firefox.wait(30)
        return os.path.dirname(glob.glob(home + "/.*/**/*.default-esr/pkcs11.txt", recursive=True)[0])

    def firefox_for_yourself(self):
        home = self.stage.new_home()
        profile = self.firefox_profile(home)
        terminal = self.terminal(home)
        self.section("Firefox, for yourself", terminal)
        log = os.path.join(home, "ingam.log")
        usual, os.environ["INGAM_LOG"] = os.environ["INGAM_LOG"], log
        self.handshake("firefox", home, "Firefox, set up for oneself", profile)
        os.environ["INGAM_LOG"] = usual
        with open(log) as file:
            assert "C_Sign" in file.read(), "INGAM_LOG tells nothing of a signature"
        self.section("Firefox, for yourself", terminal, "sh undo")
        self.gone(profile)

    def chromium_for_yourself(self):
        home = self.stage.new_home()
        terminal = self.terminal(home)
        self.section("Chromium, for yourself", terminal)
        self.handshake("chromium", home, "Chromium, set up for oneself")
        self.section("Chromium, for yourself", terminal, "sh undo")
        self.gone(os.path.join(home, ".pki/nssdb"))

    def gone(self, database):
        with open(os.path.join(database, "pkcs11.txt")) as file:
            assert self.stage.module not in file.read(), "the module was to be taken out"
        self.stage.ok("taken out again")

    def something_missing(self):
        said = self.section("When something is missing", self.terminal(self.stage.new_home()))
        assert "Certificate Object" in said and "Virtual PCD" in said, said
        self.stage.ok("the module, seen without a browser")

    def private_etc(self):
        """A copy of /etc for this namespace alone."""
        copy = os.path.join(self.stage.work, "etc")
        shutil.copytree("/etc", copy, symlinks=True, ignore=unreadable)
        subprocess.run(["mount", "--bind", copy, "/etc"], check=True)

    def firefox_for_everybody(self):
        home = self.stage.new_home()
        os.mkdir(os.path.join(home, "profile"))
        self.section("Firefox, for everybody on a computer", self.terminal(home))
        self.handshake("firefox", home, "Firefox, set up by policy")

    def chromium_for_everybody(self):
        home = self.stage.new_home()
        terminal = self.terminal(home)
        self.section("Chromium, for everybody on a computer", terminal)
        self.stage.nss_module(os.path.join(home, ".pki/nssdb"))
        self.handshake("chromium", home, "Chromium, CA and choice set up by policy", want=["pin"])
        os.unlink("/etc/chromium/policies/managed/ingam.json")

    def through_p11_kit(self):
        home = self.stage.new_home()
        terminal = self.terminal(home)
        self.section("Through p11-kit, for every program at once", terminal)
        self.stage.nss_ca(os.path.join(home, ".pki/nssdb"))
        self.handshake("chromium", home, "Chromium through p11-kit's proxy")


def unreadable(folder, names):
    return [name for name in names if not os.access(os.path.join(folder, name), os.R_OK, follow_symlinks=False)]


play(Stage(), lambda stage: Scene(stage, sys.argv[1]).run())
