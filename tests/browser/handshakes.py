"""One browser and one token: TLS client authentication with each kind of key, version and scheme.

    handshakes.py firefox|chromium

Prints a line for each thing shown, with what it cost; exit code 1 with the reason when one is not as it must be.
"""
import sys

from scene import PIN, WRONG_PIN, Scene
from stage import ALWAYS, EC, RSA

# What a page may cost when nothing about the card is new: for each signature {PIV is selected, tries when they were not
# seen just now, PIN, sign, PIN gone}; once a look at the token that Firefox's dialog asks for {PIV is selected, tries}.
A_SIGNATURE, A_LOOK = 5, 2


class Handshakes(Scene):
    def first_page(self):
        asked, _, cost = self.stage.visit("rsa 1.3", "one", [WRONG_PIN, PIN])
        assert sorted(asked) == ["certificate", "pin", "pin"], f"asked: {asked}"
        if cost:
            assert asked[0] == "certificate", f"the PIN is asked for before a certificate is chosen: {asked}"
            wrong = cost.count("VERIFY", "63C2")
            assert wrong == 1, f"the wrong PIN reached the card {wrong} times"
        self.ok(f"RSA-2048, TLS 1.3; asked: {', '.join(asked)}; the first PIN was wrong", cost)

    def further_pages(self):
        for host, gate in (("two", "rsa 1.2"), ("three", "rsa 1.2 pkcs1"), ("four", "ec 1.3"), ("five", "ec 1.2")):
            asked, event, cost = self.stage.visit(gate, host)
            assert asked == ["certificate"], f"{gate}: asked: {asked}"
            self.ok(f"{gate}, signed with {event['signature']} and {event['digest']}", cost)
            self.check_cost(cost)

    def check_cost(self, cost):
        """The searches cost nothing: the card sees the signature, and one look at most."""
        if cost:
            most = A_LOOK + A_SIGNATURE * cost.signatures
            assert len(cost.exchanges) <= most, f"{most} exchanges would do: {cost.exchanges}"

    def always_page(self):
        asked, _, cost = self.stage.visit("always 1.3", "six", [PIN])
        assert asked == ["certificate", "pin"], f"asked: {asked}"
        self.ok("a key that wants its PIN each time (9C), RSA-2048, TLS 1.3", cost)
        self.check_cost(cost)

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
            self.always_page()
        self.stage.stop()
        self.start()
        self.other_key_first()


Handshakes(sys.argv[1]).play()
