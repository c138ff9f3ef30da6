"""One real browser and one token: TLS client authentication from the first page to a reinserted card.

    handshakes.py firefox|chromium

Prints a line for each thing shown, with the exchanges that it cost; exit code 1 with the reason when one is not as it
must be.
"""
import os
import sys
import time

from person import Refused
from stage import ALWAYS, EC, RSA, Stage, play

PIN, WRONG_PIN = "123456", "654321"
VERIFY, SIGN = "VERIFY", "GENERAL AUTHENTICATE"
# What a page may cost when nothing about the card is new: for each signature {PIV is selected, PIN, sign, PIN gone};
# once a look at the token that Firefox's certificate dialog asks for {PIV is selected, tries}.
A_SIGNATURE, A_LOOK = 4, 2
NOTICED = 10  # seconds until a browser has noticed that a card is there


class Scene:
    def __init__(self, stage, kind):
        self.stage, self.kind = stage, kind

    def ok(self, what, cost=None):
        spent = "" if cost is None else f": {len(cost)} exchanges, {count(cost, SIGN, '9000')} signatures"
        self.stage.ok(f"{self.kind}: {what}{spent}")

    def start(self):
        home = self.stage.new_home()
        self.stage.nss(os.path.join(home, "profile" if self.kind == "firefox" else ".pki/nssdb"))
        self.stage.start(self.kind, home)

    def first_page(self):
        asked, _, cost = self.stage.visit("rsa 1.3", "one", [WRONG_PIN, PIN])
        assert sorted(asked) == ["certificate", "pin", "pin"], f"asked: {asked}"
        if cost is not None:
            assert asked[0] == "certificate", f"the PIN is asked for before a certificate is chosen: {asked}"
            wrong = count(cost, VERIFY, "63C2")
            assert wrong == 1, f"the wrong PIN reached the card {wrong} times"
        self.ok(f"RSA-2048, TLS 1.3; asked: {', '.join(asked)}; the first PIN was wrong", cost)

    def further_pages(self):
        for host, gate in (("two", "rsa 1.2"), ("three", "rsa 1.2 pkcs1"), ("four", "ec 1.3"), ("five", "ec 1.2")):
            asked, event, cost = self.stage.visit(gate, host)
            assert asked == ["certificate"], f"{gate}: asked: {asked}"
            self.ok(f"{gate}, signed with {event['signature']} and {event['digest']}", cost)
            self.check_cost(cost)

    def check_cost(self, cost):
        if cost is not None:
            most = A_LOOK + A_SIGNATURE * count(cost, SIGN, "9000")
            assert len(cost) <= most, f"{most} exchanges would do: {cost}"

    def always_page(self):
        asked, _, cost = self.stage.visit("always 1.3", "six", [PIN])
        assert asked == ["certificate", "pin"], f"asked: {asked}"
        self.ok("a key that wants its PIN each time (9C), RSA-2048, TLS 1.3", cost)
        self.check_cost(cost)

    def card_out_and_in(self):
        self.stage.card.take_out()
        try:
            self.stage.person.visit("ec 1.3", "seven.localhost")
            raise AssertionError("a page without the card")
        except Refused as refused:
            # A certificate that the browser remembers may still be offered.
            assert "pin" not in refused.args[0], "no card, and its PIN is asked for"
        self.ok("no card: the page is refused, no PIN is asked for")
        self.stage.card.put_in()
        before = len(self.stage.card.exchanges())
        asked, _, _ = self.until_noticed("ec 1.3", "eight", [PIN])
        cost = self.stage.card.exchanges()[before:]
        assert sorted(asked) == ["certificate", "pin"], f"asked: {asked}"
        self.ok(f"the card is back; asked: {', '.join(asked)}", cost)

    def until_noticed(self, *page):
        """Loads a page again until the browser has seen the card: NSS looks at a slot once a second at most."""
        until = time.monotonic() + NOTICED
        while True:
            try:
                return self.stage.visit(*page)
            except Refused:
                assert time.monotonic() < until, f"the card is back for {NOTICED} s, and nothing is asked"

    def other_key_first(self):
        asked, _, cost = self.stage.visit("ec 1.2", "one", [PIN])
        assert sorted(asked) == ["certificate", "pin"], f"asked: {asked}"
        self.ok(f"a new process begins with P-256, TLS 1.2; asked: {', '.join(asked)}", cost)

    def run(self):
        self.stage.prepare(RSA, EC, ALWAYS)
        self.start()
        self.first_page()
        self.further_pages()
        if not self.stage.soft:
            if self.kind == "chromium":
                self.always_page()
            self.card_out_and_in()
        self.stage.stop()
        self.start()
        self.other_key_first()


def count(cost, instruction, status):
    return sum(1 for pair in cost if pair == (instruction, status))


play(Stage(), lambda stage: Scene(stage, sys.argv[1]).run())
