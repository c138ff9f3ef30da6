"""SoftHSM in place of the card: proves the drivers when asked for, no part of the product's own tests."""
import os
import subprocess

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
KINDS = {0x07: "rsa:2048", 0x11: "EC:prime256v1"}


class SoftHsm:
    log = "/dev/null"

    def __init__(self, work):
        folder = os.path.join(work, "softhsm")
        os.mkdir(folder)
        os.environ["SOFTHSM2_CONF"] = os.path.join(work, "softhsm.conf")
        with open(os.environ["SOFTHSM2_CONF"], "w") as file:
            file.write(f"directories.tokendir = {folder}\nobjectstore.backend = file\nslots.removable = true\n")
        self.run("softhsm2-util", "--init-token", "--free", "--label", "soft", "--pin", "123456", "--so-pin", "123456")

    def run(self, *words):
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout

    def tool(self, *words):
        return self.run("pkcs11-tool", "--module", MODULE, "--token-label", "soft", "--login", "--pin", "123456", *words)

    def generate(self, slot, algorithm):
        self.tool("--keypairgen", "--key-type", KINDS[algorithm], "--id", f"{slot:02x}", "--usage-sign",
                  "--label", f"{slot:02x}")
        return self.tool("--read-object", "--type", "pubkey", "--id", f"{slot:02x}")

    def write_certificate(self, slot, file):
        plain = file.replace(".pem", ".der")
        self.run("openssl", "x509", "-in", file, "-outform", "DER", "-out", plain)
        self.tool("--write-object", plain, "--type", "cert", "--id", f"{slot:02x}", "--label", f"{slot:02x}")

    def put_in(self):
        pass

    def close(self):
        pass
