"""Chromium with a home of its own, driven through --remote-debugging-pipe (JSON messages that end in a NUL)."""
import fcntl
import json
import os
import select
import subprocess
import time

PATIENCE = 60
PAGE_CORNER, DIMMED = (60, 700), 160  # a place where pages are white; the brightness under which it is dimmed
OPTIONS = ["--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
           "--disable-component-update", "--disable-sync", "--password-store=basic",
           "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE *.localhost"]


class Chromium:
    pin_title = "Unlock Security Device"

    def __init__(self, home, profile, screen):
        self.screen = screen
        self.log = open(os.path.join(home, "chromium.err"), "wb")
        # Chromium reads commands from descriptor 3 and answers on 4, so ours are moved out of the way first.
        pipes = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (*os.pipe(), *os.pipe())]
        theirs_in, self.commands, self.answers, theirs_out = pipes
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "bash", "-c", f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}', "bash", "chromium",
             *OPTIONS, *sandbox, "--user-data-dir=" + profile, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, pass_fds=[theirs_in, theirs_out],
            env={**os.environ, **screen.environment, "HOME": home})
        os.close(theirs_in)
        os.close(theirs_out)
        self.buffer, self.number, self.session = b"", 0, None
        self.navigation, self.navigated = None, None
        until = time.monotonic() + PATIENCE
        pages = []
        while not pages and time.monotonic() < until:
            targets = self.command("Target.getTargets")["targetInfos"]
            pages = [target["targetId"] for target in targets if target["type"] == "page"]
        self.session = self.command("Target.attachToTarget", {"targetId": pages[0], "flatten": True})["sessionId"]
        self.window = screen.wait_window(".* - Chromium")
        while self.certificate_offered():
            if time.monotonic() > until:
                raise RuntimeError("Chromium does not paint its window")

    def send(self, name, parameters):
        self.number += 1
        message = {"id": self.number, "method": name, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")

    def receive(self, seconds):
        """The next message, None when there is none in that time."""
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], seconds)[0]:
                return None
            data = os.read(self.answers, 65536)
            if not data:
                raise RuntimeError("Chromium closed its pipe, see chromium.err")
            self.buffer += data
        message, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(message)
        if message.get("id") == self.navigation:
            self.navigated = message.get("result", {})
        return message

    def command(self, name, parameters=None):
        self.send(name, parameters or {})
        while True:
            answer = self.receive(PATIENCE)
            if answer is None:
                raise RuntimeError(f"Chromium does not answer {name}")
            if answer.get("id") == self.number:
                break
        if "error" in answer:
            raise RuntimeError(f"{name}: {answer['error']['message']}")
        return answer["result"]

    def open(self, url):
        """Begins to load a page. Its answer is not waited for: it comes with the page, or with the error page."""
        self.send("Page.navigate", {"url": url})
        self.navigation, self.navigated = self.number, None

    def title(self):
        return self.command("Runtime.evaluate", {"expression": "document.title"})["result"]["value"]

    def gave_up(self):
        """True when an error page stands where the page should."""
        while self.navigated is None and self.receive(0):
            pass
        return "errorText" in (self.navigated or {})

    def certificate_offered(self):
        """True while a dialog of the tab stands over the page: Chromium dims the page then, nothing else tells."""
        return self.screen.brightness(*PAGE_CORNER) < DIMMED

    def accept_certificate(self):
        """Presses Return in the certificate dialog."""
        self.screen.press(self.window, "Return")

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        os.close(self.commands)
        os.close(self.answers)
        self.log.close()
