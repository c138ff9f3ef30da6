"""What becomes of PINs when several programs use one card: each scenario with each module, in the same run.

usage: pin_scenarios.py DIR SIM PORT READER TRIALS NAME=MODULE...

DIR holds the image of a provisioned card (card.image: PIN 123456, RSA key 9A, P-256 key 9E), that of another
(other.image: PIN 654321) and the public keys 01.pub and 04.pub. Each scenario has a fresh copy of them in the vpcd reader
at PORT. Prints one line a module and scenario:
    MODULE SCENARIO KEY=VALUE...
for the caller to judge.
"""
import os
import select
import shutil
import subprocess
import sys

from smartcard import scard

HERE = os.path.dirname(os.path.abspath(__file__))
PIN, OTHER_PIN, NEW_PIN = "123456", "654321", "234567"
SELECT_PIV = "00:A4:04:00:05:A0:00:00:03:08"
SELECT_OATH = "00:A4:04:00:07:A0:00:00:05:27:21:01"
RESET = ("opensc-tool", "-c", "default", "--reset", "cold")
WAIT_MS = 15000
ANSWER_SECONDS = 5


class Reader:
    """The reader as pcscd shows it: waits for a card to come or go."""

    def __init__(self, name):
        self.name = name
        _, self.context = scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM)

    def wait(self, present):
        flag = scard.SCARD_STATE_PRESENT if present else scard.SCARD_STATE_EMPTY
        known = scard.SCARD_STATE_UNAWARE
        for _ in range(20):
            code, states = scard.SCardGetStatusChange(self.context, WAIT_MS, [(self.name, known)])
            if code != scard.SCARD_S_SUCCESS:
                raise SystemExit(f"the reader does not say that the card is {'in' if present else 'out'}: {code:#x}")
            known = states[0][1]
            if known & flag and not known & scard.SCARD_STATE_MUTE:
                return
        raise SystemExit("the reader's state does not settle")


class Bench:
    """The card in the reader, and programs that use it."""

    def __init__(self, directory, sim, port, reader, module):
        self.directory, self.sim, self.port, self.module = directory, sim, port, module
        self.reader = Reader(reader)
        self.card = None
        self.programs = []
        self.log = None

    def insert(self, image):
        """A fresh copy of that image comes into the reader."""
        copy = os.path.join(self.directory, "in-reader.image")
        self.log = os.path.join(self.directory, "in-reader.log")
        shutil.copyfile(os.path.join(self.directory, image), copy)
        open(self.log, "w").close()
        self.card = subprocess.Popen(
            [self.sim, "--image", copy, "--log", self.log, "--vpcd", f"127.0.0.1:{self.port}"],
            stdout=subprocess.PIPE, text=True)
        if not self.card.stdout.readline().startswith("ready"):
            raise SystemExit("the simulator did not start")
        self.reader.wait(True)

    def remove(self):
        if self.card:
            self.card.terminate()
            self.card.wait()
            self.card.stdout.close()
            self.card = None
            self.reader.wait(False)

    def program(self):
        worker = subprocess.Popen(
            # Without address randomization handles that are addresses are the same in each program.
            ["setarch", "-R", "/usr/bin/python3", os.path.join(HERE, "p11_worker.py"), self.module, self.directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        self.programs.append(worker)
        if worker.stdout.readline() != "ready\n":
            raise SystemExit(f"no program with {self.module}")
        return worker

    def close(self):
        for worker in self.programs:
            try:
                worker.stdin.close()
            except BrokenPipeError:
                pass
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            worker.stdout.close()
        self.programs = []
        self.remove()

    def tries(self):
        """The PIN's tries that are left, asked for by another program."""
        said = elsewhere("opensc-tool", "-c", "default", "-s", SELECT_PIV, "-s", "00:20:00:80")
        if "SW2=0x83" in said or "SW2=0xC0" in said:
            return 0
        if "SW1=0x90" in said.rsplit("Sending", 1)[1]:
            return "verified"
        return int(said.rsplit("SW2=0xC", 1)[1][0])

    def settled(self):
        """Resets the card from another program: "free", or "held" when programs never let go of it and had to be ended."""
        try:
            elsewhere(*RESET)
            return "free"
        except subprocess.TimeoutExpired:
            for worker in self.programs:
                worker.kill()
                worker.wait()
            elsewhere(*RESET)
            return "held"

    def verifies(self):
        """How many commands VERIFY with a PIN in them that card has seen."""
        with open(self.log, encoding="utf-8") as file:
            return sum('"ins":"VERIFY"' in line and '"lc":8' in line for line in file)


def tell(worker, line):
    worker.stdin.write(line + "\n")
    worker.stdin.flush()


def hear(worker, seconds=ANSWER_SECONDS):
    """The program's answer; one that does not answer in time is ended, as its user would."""
    if worker.poll() is not None:
        return "gone"
    if not select.select([worker.stdout], [], [], seconds)[0]:
        worker.kill()
        worker.wait()
        return "hangs"
    answer = worker.stdout.readline()
    return answer.strip().replace(" ", ",") if answer else f"died:{worker.wait()}"


def ask(worker, line):
    if worker.poll() is not None:
        return "gone"
    tell(worker, line)
    return hear(worker)


def good(answer):
    """How many signatures an answer to sign counts."""
    return int(answer.split(",")[1]) if answer.startswith("ok,") else 0


def elsewhere(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_SECONDS, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


def stranger(bench, trials):
    """A program that knows the PIN is logged in; one that does not tries to sign with 9A, all the time."""
    bench.insert("card.image")
    owner, other = bench.program(), bench.program()
    login = ask(owner, "login " + PIN)
    # The key is hidden from who is not logged in, its handle is no secret.
    handle = ask(owner, "handle 01")
    signed = 0
    rounds = 10
    own = 0
    for _ in range(rounds):
        own += good(ask(owner, "sign 01"))
        signed += good(ask(other, f"sign 01 {max(1, trials // rounds // 2)}"))
        signed += good(ask(other, f"try {handle} {max(1, trials // rounds // 2)}"))
    during = signed
    # And at the very time the owner signs.
    tell(other, f"try {handle} {max(1, trials // 10)}")
    own += good(ask(owner, "sign 01 10"))
    during += good(hear(other, 120))
    ask(owner, "logout")
    after_logout = good(ask(other, "sign 01 5")) + good(ask(other, f"try {handle} 5"))
    ask(owner, "login " + PIN)
    own += good(ask(owner, "sign 01"))
    ask(owner, "close")
    after_close = good(ask(other, "sign 01 5")) + good(ask(other, f"try {handle} 5"))
    return dict(login=login, owner=f"{own}/21", trials=trials + max(1, trials // 10), signed=during, after_logout=after_logout,
                after_close=after_close)


def stale(bench, _trials):
    """Three programs are logged in; the PIN is changed elsewhere and the card reset."""
    bench.insert("card.image")
    three = [bench.program() for _ in range(3)]
    before = [good(answer) for worker in three if ask(worker, "login " + PIN) for answer in [ask(worker, "sign 01")]]
    elsewhere("yubico-piv-tool", "-r", "", "-a", "change-pin", "-P", PIN, "-N", NEW_PIN)
    elsewhere(*RESET)
    after = []
    for _ in range(2):
        after += [ask(worker, "sign 01") for worker in three]
    sum_good = sum(good(answer) for answer in after)
    card = bench.settled()
    tries = bench.tries()
    # The new PIN serves again, in the same programs.
    again = 0
    for worker in three:
        ask(worker, "logout")
        ask(worker, "open")
        ask(worker, "login " + NEW_PIN)
        again += good(ask(worker, "sign 01"))
    hung = after.count("hangs")
    return dict(before=sum(before), signed=sum_good, tries=tries, again=again, hung=hung, card=card)


def swap(bench, _trials):
    """A card with another PIN is put in under a program that is logged in."""
    bench.insert("card.image")
    worker = bench.program()
    ask(worker, "login " + PIN)
    before = good(ask(worker, "sign 01"))
    bench.remove()
    bench.insert("other.image")
    answers = [ask(worker, "sign 01") for _ in range(4)]
    verifies = bench.verifies()
    card = bench.settled()
    tries = bench.tries()
    ask(worker, "logout")
    login = ask(worker, "login " + OTHER_PIN)
    if login != "ok":
        ask(worker, "open")
        login = ask(worker, "login " + OTHER_PIN)
    return dict(before=before, pins_sent=verifies, tries=tries, said=answers[0], login=login, card=card)


def applet(bench, _trials):
    """Another program selects another applet, before each of five signatures."""
    bench.insert("card.image")
    worker = bench.program()
    ask(worker, "login " + PIN)
    before = good(ask(worker, "sign 01"))
    signed = 0
    for _ in range(5):
        elsewhere("opensc-tool", "-c", "default", "-s", SELECT_OATH)
        signed += good(ask(worker, "sign 01"))
    quiet = good(ask(worker, "sign 04 5"))
    card = bench.settled()
    return dict(before=before, signed=signed, without_pin=quiet, tries=bench.tries(), card=card)


def reset(bench, _trials):
    """Another program resets the card, before each of five signatures."""
    bench.insert("card.image")
    worker = bench.program()
    ask(worker, "login " + PIN)
    before = good(ask(worker, "sign 01"))
    signed = 0
    for _ in range(5):
        elsewhere(*RESET)
        signed += good(ask(worker, "sign 01"))
    card = bench.settled()
    return dict(before=before, signed=signed, tries=bench.tries(), card=card)


def fork(bench, _trials):
    """A child does C_Initialize and C_Finalize; the parent goes on."""
    bench.insert("card.image")
    worker = bench.program()
    ask(worker, "login " + PIN)
    before = good(ask(worker, "sign 01"))
    child = ask(worker, "fork")
    signed = good(ask(worker, "sign 01 5"))
    return dict(before=before, child=child, signed=signed)


def replug(bench, _trials):
    """The same card is taken out and put in again."""
    bench.insert("card.image")
    worker = bench.program()
    ask(worker, "login " + PIN)
    before = good(ask(worker, "sign 01"))
    bench.remove()
    out = ask(worker, "sign 01")
    bench.insert("card.image")
    answers = [ask(worker, "sign 01") for _ in range(2)]
    login = ask(worker, "login " + PIN)
    if login not in ("ok", "CKR_USER_ALREADY_LOGGED_IN"):
        ask(worker, "open")
        login = ask(worker, "login " + PIN)
    return dict(before=before, out=out, after=answers[0], login=login, signed=good(ask(worker, "sign 01 3")))


def main():
    directory, sim, port, reader, trials, *modules = sys.argv[1:]
    for scenario in (stranger, stale, swap, applet, reset, fork, replug):
        for name, module in (word.split("=", 1) for word in modules):
            bench = Bench(directory, sim, port, reader, module)
            try:
                facts = scenario(bench, int(trials))
                print(name, scenario.__name__, *(f"{key}={value}" for key, value in facts.items()), flush=True)
            finally:
                bench.close()


main()
