"""The simulated PIV card in the virtual reader: put in, taken out, given keys by OpenSC's tools, its exchanges counted."""
import os
import subprocess
import time

PATIENCE = 30
ADMIN = "01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08:01:02:03:04:05:06:07:08"  # of a new card
RSA_2048, P_256 = 0x07, 0x11  # SP 800-78-4, table 6-2


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([0x80 | (size.bit_length() + 7) // 8]) + \
        size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + length + content


RSA_ENCRYPTION = der(0x30, der(0x06, bytes.fromhex("2a864886f70d010101")), der(0x05))
EC_P256 = der(0x30, der(0x06, bytes.fromhex("2a8648ce3d0201")), der(0x06, bytes.fromhex("2a8648ce3d030107")))


def public_key_info(answer, algorithm):
    """SubjectPublicKeyInfo of a key from what GENERATE ASYMMETRIC KEY PAIR answered (SP 800-73-4 part 2, 3.3.2)."""
    if algorithm == P_256:
        point = answer[answer.index(bytes.fromhex("864104")) + 2:][:65]
        return der(0x30, EC_P256, der(0x03, b"\0" + point))
    modulus = answer[answer.index(bytes.fromhex("81820100")) + 4:][:256]
    key = der(0x30, der(0x02, b"\0" + modulus), der(0x02, b"\1\0\1"))
    return der(0x30, RSA_ENCRYPTION, der(0x03, b"\0" + key))


class Card:
    def __init__(self, program, work, port, name, profile):
        self.work, self.process = work, None
        self.image, self.log = os.path.join(work, name + ".image"), os.path.join(work, "card.log")
        self.command = ["setpriv", "--pdeathsig", "TERM", program, "--image", self.image, "--log", self.log,
                        "--vpcd", f"127.0.0.1:{port}", "--profile", profile]

    def put_in(self):
        """Returns when pcscd shows the card."""
        self.errors = open(os.path.join(self.work, "card.err"), "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=self.errors)
        assert self.process.stdout.readline().startswith(b"ready"), "the simulator did not start, see card.err"
        self.wait_shown(True)

    def take_out(self):
        """Returns when pcscd shows an empty reader."""
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process.stdout.close()
            self.errors.close()
            self.process = None
        self.wait_shown(False)

    def close(self):
        if self.process:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def wait_shown(self, present):
        until = time.monotonic() + PATIENCE
        while (b" Yes " in self.run("opensc-tool", "--list-readers")) != present:
            assert time.monotonic() < until, f"pcscd does not show that the card is {'in' if present else 'out'}"

    def run(self, *words):
        """A foreign tool at the card, with the management key at hand."""
        key_file = os.path.join(self.work, "admin")
        if not os.path.exists(key_file):
            with open(key_file, "w") as file:
                file.write(ADMIN)
        done = subprocess.run(words, env={**os.environ, "PIV_EXT_AUTH_KEY": key_file}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE, check=False)
        return done.stdout

    def generate(self, slot, algorithm):
        """A new key pair in the slot; its SubjectPublicKeyInfo."""
        said = self.run("piv-tool", "-A", "M:9B:03", "-s", f"00:47:00:{slot:02X}:05:AC:03:80:01:{algorithm:02X}:00")
        lines = said.decode(errors="replace").splitlines()
        assert any("SW1=0x90" in line for line in lines), f"no key in {slot:X}: {said}"
        rows = [line[:47].split() for line in lines[next(i for i, line in enumerate(lines) if "SW1=" in line) + 1:]]
        answer = bytes.fromhex("".join(word for row in rows for word in row if len(word) == 2))
        return public_key_info(answer, algorithm)

    def write_certificate(self, slot, file):
        # piv-tool's exit code after writing is the length, cut to a byte: what it prints decides.
        said = self.run("piv-tool", "-A", "M:9B:03", "-C", f"{slot:02X}", "-i", file)
        assert b"rror" not in said and b"failed" not in said, f"no certificate in {slot:X}: {said}"
