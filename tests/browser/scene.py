"""What the scenes with one kind of browser have in common."""
import os
import time

from person import Refused
from stage import Stage, play

PIN, WRONG_PIN = "123456", "654321"
NOTICED = 20  # seconds until a browser has noticed that a card is there


class Scene:
    def __init__(self, kind):
        self.stage, self.kind = Stage(), kind

    def ok(self, what, cost=None):
        self.stage.ok(f"{self.kind}: {what}" + (f": {cost}" if cost else ""))

    def start(self):
        home = self.stage.new_home()
        self.stage.nss(os.path.join(home, "profile" if self.kind == "firefox" else ".pki/nssdb"))
        self.stage.start(self.kind, home)

    def refused(self, gate, host, pins=()):
        """Loads a page that must not come. What was asked."""
        try:
            self.stage.person.visit(gate, host + ".localhost", pins)
        except Refused as refused:
            return refused.args[0]
        raise AssertionError(f"{gate}: a page without a card")

    def until_noticed(self, gate, host, pins):
        """Loads a page again until the browser has seen the card: NSS looks at a slot once a second at most."""
        until, before = time.monotonic() + NOTICED, []
        while True:
            try:
                asked, _, cost = self.stage.visit(gate, host, pins)
                break
            except Refused as refused:
                before += refused.args[0]
                assert "pin" not in before, f"the PIN was right, and the page is refused: {refused}"
                assert time.monotonic() < until, f"the card is there for {NOTICED} s, and nothing is asked"
        # A certificate chosen in vain is remembered for the next time.
        assert asked.count("pin") == 1 and "certificate" in before + asked, f"asked: {before}, {asked}"
        return cost

    def play(self):
        play(self.stage, lambda _: self.run())
