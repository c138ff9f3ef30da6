"""The certificates of a test: a CA a kind of client, the server's certificate, certificates on the card's keys."""
import os
import subprocess

HOSTS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


class Pki:
    def __init__(self, work):
        self.folder = os.path.join(work, "pki")
        os.mkdir(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *words, typed=None):
        done = subprocess.run(["openssl", *words], input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=60, check=False)
        assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stdout.decode()}"

    def ca(self, name):
        """NAME.pem and NAME.key: a new CA."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                     "-keyout", self.path(name + ".key"), "-out", self.path(name + ".pem"),
                     "-subj", f"/O=Browser test/CN=CA {name}")

    def server(self, ca):
        """server.pem and server.key, for HOSTS, each with .localhost."""
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-out", self.path("server.key"))
        self.openssl("pkey", "-in", self.path("server.key"), "-pubout", "-outform", "DER",
                     "-out", self.path("server.spki"))
        names = ",".join(f"DNS:{host}.localhost" for host in HOSTS)
        self.certify("server", ca, f"subjectAltName={names}\nextendedKeyUsage=serverAuth\n")

    def client(self, name, ca, key_info):
        """NAME.pem: a client's certificate on that key (SubjectPublicKeyInfo, DER)."""
        with open(self.path(name + ".spki"), "wb") as file:
            file.write(key_info)
        self.certify(name, ca, "extendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n")
        return self.path(name + ".pem")

    def certify(self, name, ca, extensions):
        with open(self.path(name + ".ext"), "w") as file:
            file.write(extensions + "basicConstraints=critical,CA:FALSE\n")
        self.openssl("x509", "-new", "-force_pubkey", self.path(name + ".spki"), "-subj", f"/O=Browser test/CN={name}",
                     "-CA", self.path(ca + ".pem"), "-CAkey", self.path(ca + ".key"), "-days", "30",
                     "-extfile", self.path(name + ".ext"), "-out", self.path(name + ".pem"))
