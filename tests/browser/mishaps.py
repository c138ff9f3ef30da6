"""One browser that stays open while things happen to its token: out, in, another one, pulled while the PIN is
asked for, pcscd started anew.

    mishaps.py firefox|chromium
"""
import os
import select
import signal
import sys

from scene import PIN, Scene
from stage import EC

PATIENCE = 40  # seconds for pcscd to stop and start


class Mishaps(Scene):
    def first_page(self):
        asked, _, _ = self.stage.visit("ec 1.3", "one", [PIN])
        assert sorted(asked) == ["certificate", "pin"], f"asked: {asked}"

    def out_and_in(self):
        self.stage.card.take_out()
        # A certificate that the browser remembers may still be offered.
        asked = self.refused("ec 1.3", "two")
        assert "pin" not in asked, "no card, and its PIN is asked for"
        self.ok("no card: the page is refused, no PIN is asked for")
        self.stage.card.put_in()
        cost = self.until_noticed("ec 1.3", "three", [PIN])
        self.ok("the card is back, and the PIN asked for again", cost)

    def another_card(self):
        """It has the same PIN on purpose: if the first one's were sent, nobody could tell from the answer."""
        def not_sent():
            seen = self.stage.meter.read()
            sent = [pair for pair in seen.exchanges if pair[0] == "VERIFY" and pair[1] in ("9000", "63C2")]
            assert not sent, f"a PIN was sent before it was asked for: {seen.exchanges}"
            return PIN

        self.stage.card.take_out()
        self.other.put_in()
        cost = self.until_noticed("ec 1.3", "four", [not_sent])
        self.ok("another card: its PIN is asked for, the first one's is not sent", cost)
        self.other.take_out()
        self.stage.card.put_in()
        self.until_noticed("ec 1.3", "five", [PIN])
        self.ok("the first card again")

    def pulled_while_asked(self):
        self.stage.stop()
        self.start()

        def pull():
            self.stage.card.take_out()
            return PIN

        asked = self.refused("ec 1.3", "six", [pull])
        assert "pin" in asked, f"asked: {asked}"
        self.ok("pulled while the PIN is asked for: the page is refused")
        self.stage.card.put_in()
        self.until_noticed("ec 1.3", "seven", [PIN])
        self.ok("and comes when the card is back")

    def daemon_restarted(self):
        os.kill(int(os.environ["PCSCD_PID"]), signal.SIGHUP)
        with open(os.path.join(self.stage.work, "pcscd.out")) as said:
            assert select.select([said], [], [], PATIENCE)[0] and said.readline() == "restarted\n"
        self.stage.card.wait_shown(True)
        self.until_noticed("ec 1.3", "eight", [PIN])
        self.ok("pcscd was started anew, and the PIN asked for again")

    def run(self):
        self.stage.prepare(EC)
        self.stage.card.take_out()
        self.other = self.stage.new_card("other")
        self.stage.fill(self.other, EC)
        self.other.take_out()
        self.stage.card.put_in()
        self.start()
        self.first_page()
        self.out_and_in()
        self.another_card()
        self.pulled_while_asked()
        self.daemon_restarted()


Mishaps(sys.argv[1]).play()
