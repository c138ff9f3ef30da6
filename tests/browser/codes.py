"""A browser and one-time passwords: a card that holds some, in a slot that must not disturb, and a card whose key wants
one beside the PIN, typed into the browser's own dialog.

    codes.py firefox|chromium
"""
import os
import subprocess
import sys

from scene import PIN, Scene
from stage import EC

SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 4226, appendix D
CODES = "755224", "287082"
# {PIV is selected, tries when they were not seen just now, PIN, sign, PIN gone}, and one look at the token.
A_PAGE = 7


class Codes(Scene):
    def tool(self, *words):
        subprocess.run([os.path.join(self.stage.build, "tool/ingam"), *words], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, timeout=60)

    def file(self, name, text):
        path = os.path.join(self.stage.work, name)
        with open(path, "w") as out:
            out.write(text + "\n")
        return path

    def beside_a_slot(self):
        """The applet is locked, and holds a password: nobody is asked for its access code."""
        secret = self.file("secret", SECRET)
        self.tool("otp", "add", "Bank:kim", "--type", "totp", "--secret-file", secret)
        self.tool("otp", "access", "set", "--new-access-file", self.file("access", "correct horse"))
        self.start()
        asked, _, cost = self.stage.visit("ec 1.3", "one", [PIN])
        assert sorted(asked) == ["certificate", "pin"], f"asked: {asked}"
        self.ok(f"beside a locked slot of one-time passwords; asked: {', '.join(asked)}", cost)
        asked, _, cost = self.stage.visit("ec 1.3", "two")
        assert asked == ["certificate"], f"asked: {asked}"
        assert len(cost.exchanges) <= A_PAGE, f"{A_PAGE} exchanges would do: {cost.exchanges}"
        self.ok("a further page, at no more than without that slot", cost)
        self.stage.stop()

    def with_a_code(self):
        self.stage.card.take_out()
        card = self.stage.new_card("coded", "otp-card")
        self.stage.fill(card, EC)
        self.tool("otp", "secret", "set", "--secret-file", os.path.join(self.stage.work, "secret"), "--default-admin")
        self.tool("otp", "gate", "9d", "once", "--default-admin")
        self.start()
        asked, _, cost = self.stage.visit("ec 1.3", "three", [PIN + CODES[0]])
        assert sorted(asked) == ["certificate", "pin"], f"asked: {asked}"
        self.ok("PIN and code typed into its own dialog", cost)
        asked, _, cost = self.stage.visit("ec 1.3", "four")
        assert asked == ["certificate"], f"asked: {asked}"
        self.ok("a further page needs no further code", cost)
        self.stage.stop()

    def a_code_each_time(self):
        self.tool("otp", "gate", "9d", "always", "--default-admin")
        self.start()
        asked, _, cost = self.stage.visit("ec 1.3", "five", [PIN, CODES[1]])
        assert sorted(asked) == ["certificate", "pin", "pin"], f"asked: {asked}"
        self.ok("a key that wants a code each time: PIN, and the code in a dialog of its own", cost)

    def run(self):
        self.stage.prepare(EC, profile="yubikey-5.4")
        self.beside_a_slot()
        self.with_a_code()
        self.a_code_each_time()


Codes(sys.argv[1]).play()
