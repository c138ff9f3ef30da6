"""What every browser test stands on: certificates, a card with keys, the judge, a browser on a screen of its own."""
import os
import signal
import subprocess
import sys
import traceback

from card import P_256, RSA_2048, Card
from chromium import Chromium
from cost import Meter
from firefox import Firefox
from judge import Judge
from person import Person
from pki import Pki
from screen import Screen
from softhsm import MODULE as SOFTHSM_MODULE
from softhsm import SoftHsm

# What a card holds: the name in the certificate, also that of the CA (a server's wish picks the key), and its key.
RSA, EC, ALWAYS = ("rsa", 0x9A, RSA_2048), ("ec", 0x9D, P_256), ("always", 0x9C, RSA_2048)
GATES = {
    "rsa 1.3": "1.3:rsa.ca.pem",
    "rsa 1.2": "1.2:rsa.ca.pem",
    "rsa 1.2 pkcs1": "1.2:rsa.ca.pem:RSA+SHA256",
    "ec 1.3": "1.3:ec.ca.pem",
    "ec 1.2": "1.2:ec.ca.pem",
    "always 1.3": "1.3:always.ca.pem",
}


class Stage:
    """Reads BUILD, MODULE, WORK (a private directory) and VPCD_PORT; MODULE=softhsm takes SoftHSM for the card, too."""

    def __init__(self):
        self.closing, self.shown = [], 0
        self.work, self.build = os.environ["WORK"], os.environ["BUILD"]
        self.soft = os.environ["MODULE"] == "softhsm"
        self.module = SOFTHSM_MODULE if self.soft else os.environ["MODULE"]
        os.environ.setdefault("INGAM_LOG", os.path.join(self.work, "module.log"))
        self.pki = Pki(self.work)
        self.browsers = 0

    def keep(self, thing):
        """Closed at the end, the last one first."""
        self.closing.append(thing)
        return thing

    def close(self):
        while self.closing:
            self.closing.pop().close()

    def ok(self, what):
        self.shown += 1
        print(f"ok {self.shown} - {what}", flush=True)

    def prepare(self, *keys, profile="piv"):
        """The CAs, the card in its reader with those keys, the judge."""
        for name, _, _ in (RSA, EC, ALWAYS):
            self.pki.ca(name + ".ca")
        self.pki.server("rsa.ca")
        self.card = SoftHsm(self.work) if self.soft else self.new_card("card", profile)
        self.fill(self.card, *keys)
        self.meter = Meter(self.card.log, os.environ["INGAM_LOG"])
        self.judge = self.keep(Judge(os.path.join(self.build, "tests/browser/tls-server"), self.pki.folder, GATES))

    def new_card(self, name, profile="piv"):
        simulator = os.path.join(self.build, "firmware-sim/ingam-sim")
        return Card(simulator, self.work, os.environ["VPCD_PORT"], name, profile)

    def fill(self, card, *keys):
        """Puts the card in and gives it those keys and certificates."""
        self.keep(card).put_in()
        for name, slot, algorithm in keys:
            info = card.generate(slot, algorithm)
            card.write_certificate(slot, self.pki.client(name, name + ".ca", info))

    def new_home(self):
        """An empty home for a browser that was never started."""
        self.browsers += 1
        home = os.path.join(self.work, f"home-{self.browsers}")
        os.mkdir(home)
        return home

    def new_screen(self, home):
        folder = os.path.join(home, "screen")
        os.makedirs(folder)
        return self.keep(Screen(folder))

    def nss(self, database):
        """An NSS database that knows the server's CA and the module."""
        self.nss_module(database)
        self.nss_ca(database)

    def nss_module(self, database):
        os.makedirs(database)
        run("certutil", "-N", "-d", "sql:" + database, "--empty-password")
        run("modutil", "-force", "-dbdir", "sql:" + database, "-add", "token", "-libfile", self.module)

    def nss_ca(self, database):
        run("certutil", "-A", "-d", "sql:" + database, "-t", "C,,", "-n", "server",
            "-i", self.pki.path("rsa.ca.pem"))

    def start(self, kind, home, profile=None):
        """Starts the browser of that kind; a person sits at it from now on."""
        screen = self.new_screen(home)
        profile = profile or os.path.join(home, "profile")
        self.browser = self.keep((Firefox if kind == "firefox" else Chromium)(home, profile, screen))
        self.person = Person(self.browser, screen, self.judge)

    def stop(self):
        """Ends the browser last started, and its screen."""
        for _ in range(2):
            self.closing.pop().close()

    def visit(self, gate, host, pins=()):
        """Loads a page. (What was asked, what the server says, what it cost or None with SoftHSM)."""
        self.meter.reset()
        asked, event = self.person.visit(gate, host + ".localhost", pins)
        name, version = gate.split()[:2]
        assert event["subject"] == name and event["version"] == "TLSv" + version, f"{gate}: the server says {event}"
        return asked, event, None if self.soft else self.meter.read()


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=60)


def play(stage, scene):
    """Runs the scene on the stage and ends the program: 0, or 1 with the reason."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        scene(stage)
        print(f"{stage.shown} checks")
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    finally:
        stage.close()
