"""Firefox and a PIN that it never gets: the module's setting pin-entry, and a person at that dialog.

    pinentry.py firefox
"""
import os
import sys
import threading

from scene import PIN, Scene
from stage import EC, RSA


class Pinentry(Scene):
    def answer_later(self):
        """Firefox shows a window of its own meanwhile, without a field, and can't close one that isn't open yet: the
        answer comes when it stands there, as a person's does."""
        screen, go = self.stage.person.screen, os.environ["DOUBLE_GO"]

        def watch():
            screen.wait_window("Protected Authentication")
            with open(go, "w"):
                pass

        threading.Thread(target=watch, daemon=True).start()

    def asked_there(self):
        with open(os.environ["DOUBLE_HEARD"]) as heard:
            return heard.read().splitlines().count("GETPIN")

    def answers(self, answer):
        os.environ["DOUBLE_ANSWER"] = answer
        if os.path.exists(os.environ["DOUBLE_GO"]):
            os.remove(os.environ["DOUBLE_GO"])
        self.start()
        self.answer_later()

    def run(self):
        double = os.path.join(os.environ["SOURCE"], "tests/e2e/pinentry_double.sh")
        os.environ["INGAM_PIN_ENTRY"] = "pinentry:" + double
        os.environ["DOUBLE_HEARD"] = os.path.join(self.stage.work, "heard")
        os.environ["DOUBLE_GO"] = os.path.join(self.stage.work, "go")
        self.stage.prepare(RSA, EC)
        self.answers(PIN)
        asked, _, cost = self.stage.visit("rsa 1.3", "one")
        assert asked == ["certificate"], f"asked: {asked}"
        assert self.asked_there() == 1, f"pinentry was asked {self.asked_there()} times"
        self.ok("RSA-2048, TLS 1.3, without a PIN dialog of its own: pinentry asked once", cost)
        asked, _, cost = self.stage.visit("ec 1.2", "two")
        assert asked == ["certificate"] and self.asked_there() == 1, f"asked: {asked}, {self.asked_there()}"
        self.ok("a further page with another key asks nobody", cost)
        self.stage.stop()
        os.remove(os.environ["DOUBLE_HEARD"])
        self.answers("cancel")
        asked = self.refused("rsa 1.3", "three")
        assert "pin" not in asked and self.asked_there() >= 1, f"asked: {asked}"
        self.ok("cancelled there: the page is refused, and nothing hangs")


Pinentry(sys.argv[1]).play()
