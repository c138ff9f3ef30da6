"""What a person does at a browser: goes to a page, types a PIN when asked, accepts the certificate offered."""
import time

PATIENCE = 60  # seconds until a page must be there
TICK = 0.05
SETTLED = 10  # seconds in which a dialog that took a key is gone


class Refused(Exception):
    """The browser shows an error page; args: what was asked, how the server's handshakes failed."""


class Person:
    def __init__(self, browser, screen, judge):
        self.browser, self.screen, self.judge = browser, screen, judge
        self.seen = set()

    def visit(self, gate, host, pins=()):
        """Loads https://HOST:PORT/ of that gate. Returns (what was asked in order, what the server says it got).

        Asked is a list of "pin" and "certificate". A PIN may be a function that is called when the dialog stands there
        and returns what to type. AssertionError when more PINs are asked for than are known, Refused when the browser
        shows an error. (Failed handshakes alone are none: a browser opens connections ahead and drops them, or breaks
        one off to ask its user and opens another.)"""
        port, pins, asked = self.judge.ports[gate], list(pins), []
        failures = []
        self.browser.open(f"https://{host}:{port}/")
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            event = self.judge.event(TICK)
            if event and event["port"] == port:
                if event["event"] == "page":
                    self.wait_title(event)
                    return asked, event
                failures.append(event["why"])
            elif self.pin_asked():
                assert pins, f"asked for a PIN after {asked}"
                pin = pins.pop(0)
                self.screen.type(self.pin_window, pin() if callable(pin) else pin)
                asked.append("pin")
            elif self.browser.certificate_offered():
                self.accept()
                asked.append("certificate")
            elif self.browser.gave_up():
                self.leave()
                raise Refused(asked, failures)
        raise AssertionError(f"no page from {gate} in {PATIENCE} s; asked: {asked}")

    def leave(self):
        """Away from the error page, so that the next one is told from this."""
        self.browser.open("about:blank")
        until = time.monotonic() + PATIENCE
        while self.browser.gave_up():
            assert time.monotonic() < until, "the error page stays"

    def pin_asked(self):
        """True when a PIN dialog stands there that was not there before."""
        windows = self.screen.windows(self.browser.pin_title)
        fresh = windows - self.seen
        self.seen = windows
        self.pin_window = fresh.pop() if fresh else None
        return self.pin_window is not None

    def accept(self):
        """Return in the dialog. Once more only if that did nothing: it might meet the PIN dialog that comes next."""
        for _ in range(3):
            self.browser.accept_certificate()
            until = time.monotonic() + SETTLED
            while time.monotonic() < until:
                if self.screen.windows(self.browser.pin_title) or not self.browser.certificate_offered():
                    return
        raise AssertionError("the certificate dialog stays")

    def wait_title(self, event):
        until = time.monotonic() + PATIENCE
        want = f"{event['subject']}, {event['version']}"
        while self.browser.title() != want:
            assert time.monotonic() < until, f"the server served the page, the browser shows {self.browser.title()}"
