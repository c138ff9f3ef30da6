"""Firefox in a profile of its own, driven through Marionette (the protocol of its WebDriver, TCP and JSON)."""
import json
import os
import select
import socket
import subprocess
import time

PATIENCE = 60
PREFERENCES = {
    "marionette.port": 0,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.tabs.warnOnClose": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,none",
    "termsofuse.bypassNotification": True,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}

# The dialog belongs to the window or to the tab, whichever connection asked first.
OK_BUTTON = """
    let tab = gBrowser.getTabDialogBox(gBrowser.selectedBrowser);
    let open = [gDialogBox._dialog, ...tab.getTabDialogManager()._dialogs, ...tab.getContentDialogManager()._dialogs];
    for (let window of open.map(dialog => dialog?.frameContentWindow)) {
        let document = window?.document;
        if (!window?.location.href.endsWith("clientauthask.xhtml") || document.readyState != "complete")
            continue;
        let button = document.querySelector("dialog").getButton("accept");
        if (!button.disabled)
            return %s;
    }
    return false;
"""
OK_THERE, OK_CLICK = OK_BUTTON % "true", OK_BUTTON % "button.click()"

OPEN = """
    gBrowser.selectedBrowser.fixupAndLoadURIString(
        arguments[0], {triggeringPrincipal: Services.scriptSecurityManager.getSystemPrincipal()});
"""


def tick(process):
    """A moment, less when the process ends."""
    try:
        process.wait(0.02)
    except subprocess.TimeoutExpired:
        pass


class Firefox:
    pin_title = "Password Required"

    def __init__(self, home, profile, screen):
        self.profile, self.screen = profile, screen
        with open(os.path.join(profile, "user.js"), "w") as file:
            for name, value in PREFERENCES.items():
                file.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
        environment = {**os.environ, **screen.environment, "HOME": home, "MOZ_CRASHREPORTER_DISABLE": "1"}
        self.log = open(os.path.join(home, "firefox.err"), "wb")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "firefox-esr", "--marionette", "--remote-allow-system-access",
             "--no-remote", "--profile", profile],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, env=environment)
        self.socket, self.buffer, self.number, self.pending = self.connect(), b"", 0, None
        self.receive(PATIENCE)
        self.command("WebDriver:NewSession", {})
        self.command("Marionette:SetContext", {"value": "chrome"})

    def connect(self):
        port_file = os.path.join(self.profile, "MarionetteActivePort")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with open(port_file) as file:
                    return socket.create_connection(("127.0.0.1", int(file.read())), PATIENCE)
            except (OSError, ValueError):
                tick(self.process)
        raise RuntimeError("Firefox does not listen, see firefox.err")

    def receive(self, seconds):
        """The next message; None when there is none in that time, as while the PIN dialog holds Firefox's sockets."""
        while True:
            length, colon, rest = self.buffer.partition(b":")
            if colon and len(rest) >= int(length):
                self.buffer = rest[int(length):]
                return json.loads(rest[:int(length)])
            if not select.select([self.socket], [], [], seconds)[0]:
                return None
            data = self.socket.recv(65536)
            if not data:
                raise RuntimeError("Firefox closed the connection, see firefox.err")
            self.buffer += data

    def send(self, name, parameters):
        self.number += 1
        message = json.dumps([0, self.number, name, parameters]).encode()
        self.socket.sendall(b"%d:%s" % (len(message), message))

    def answer(self, seconds):
        """The result of the last command sent, as (arrived, result)."""
        while True:
            message = self.receive(seconds)
            if message is None:
                return False, None
            kind, number, error, result = message
            if kind == 1 and number == self.number:
                break
        if error:
            raise RuntimeError("Firefox: " + error["message"])
        return True, result

    def command(self, name, parameters):
        self.send(name, parameters)
        arrived, result = self.answer(PATIENCE)
        if not arrived:
            raise RuntimeError(f"Firefox does not answer {name}")
        return result

    def look(self, script):
        """What a script with the rights of the browser's own window returns; None while Firefox does not answer."""
        if self.pending != script:
            self.send("WebDriver:ExecuteScript", {"script": script, "args": []})
            self.pending = script
        arrived, result = self.answer(0.2)
        if not arrived:
            return None
        self.pending = None
        return result["value"]

    def open(self, url):
        """Begins to load a page, as if its address had been typed. No answer: the PIN dialog may come first."""
        self.pending = None
        self.send("WebDriver:ExecuteScript", {"script": OPEN, "args": [url]})

    def title(self):
        return self.look("return gBrowser.selectedBrowser.contentTitle")

    def gave_up(self):
        """True when an error page stands where the page should."""
        return self.look("return /^about:(net|cert)error/.test(gBrowser.selectedBrowser.documentURI?.spec)") is True

    def certificate_offered(self):
        """True when the certificate dialog stands there and takes a key."""
        return self.look(OK_THERE) is True

    def accept_certificate(self):
        """Clicks OK in the certificate dialog. No answer: the PIN dialog may come first."""
        self.pending = None
        self.send("WebDriver:ExecuteScript", {"script": OK_CLICK, "args": []})

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        self.socket.close()
        self.log.close()
