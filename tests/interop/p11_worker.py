"""One program that uses a PKCS#11 module, told line by line what to do; each line is answered by one line.

usage: p11_worker.py MODULE PUBLIC-KEY-DIR

    login PIN   logout   close (all sessions)   open
    sign ID [TIMES]     answered by how many signatures were good and what the failures were
    handle ID           the private key's handle in this program
    try HANDLE [TIMES]  signs by a handle that another program was given for 01
    fork                the child does C_Initialize and C_Finalize, and ends

A signature counts when it verifies with DIR/ID.pub. Answers: "ok ..." or the CKR_ name.
"""
import os
import sys
from collections import Counter

import PyKCS11
from PyKCS11 import LowLevel
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

DIGEST = bytes(range(32))


class Worker:
    def __init__(self, module, directory):
        self.directory = directory
        self.lib = PyKCS11.PyKCS11Lib()
        self.lib.load(module)
        self.session = None

    def opened(self):
        """The session, a new one when there is none: programs open one again when theirs is gone."""
        if self.session is None:
            slot = self.lib.getSlotList(tokenPresent=True)[0]
            self.session = self.lib.openSession(slot, PyKCS11.CKF_SERIAL_SESSION | PyKCS11.CKF_RW_SESSION)
        return self.session

    def open(self):
        self.session = None
        self.opened()
        return "ok"

    def login(self, pin):
        self.opened().login(pin)
        return "ok"

    def logout(self):
        self.opened().logout()
        return "ok"

    def close(self):
        slot = self.lib.getSlotList(tokenPresent=True)[0]
        self.lib.closeAllSessions(slot)
        self.session = None
        return "ok"

    def fork(self):
        child = os.fork()
        if child == 0:
            self.lib.lib.C_Initialize()
            self.lib.lib.C_Finalize()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        return "ok" if status == 0 else f"child {status}"

    def sign(self, key_id, times="1"):
        results = Counter()
        for _ in range(int(times)):
            results[self.sign_once(key_id)] += 1
        good = results.pop("good", 0)
        failures = " ".join(f"{name}:{count}" for name, count in sorted(results.items()))
        return f"ok {good} {failures}".strip()

    def key(self, key_id):
        found = self.opened().findObjects([(PyKCS11.CKA_CLASS, PyKCS11.CKO_PRIVATE_KEY),
                                           (PyKCS11.CKA_ID, (int(key_id, 16),))])
        return found[0] if found else None

    def handle(self, key_id):
        return str(self.key(key_id).value())

    def try_(self, handle, times="1"):
        """Signs with 9A by a handle that was learnt elsewhere."""
        key = LowLevel.CK_OBJECT_HANDLE()
        key.assign(int(handle))
        good = sum(self.sign_once("01", key) == "good" for _ in range(int(times)))
        return f"ok {good}"

    def sign_once(self, key_id, key=None):
        try:
            session = self.opened()
            key = key or self.key(key_id)
            if not key:
                return "no-key"
            with open(os.path.join(self.directory, key_id + ".pub"), "rb") as file:
                public = serialization.load_pem_public_key(file.read())
            if isinstance(public, ec.EllipticCurvePublicKey):
                raw = bytes(session.sign(key, DIGEST, PyKCS11.Mechanism(PyKCS11.CKM_ECDSA)))
                half = len(raw) // 2
                public.verify(utils.encode_dss_signature(int.from_bytes(raw[:half], "big"),
                                                         int.from_bytes(raw[half:], "big")),
                              DIGEST, ec.ECDSA(utils.Prehashed(hashes.SHA256())))
            else:
                raw = bytes(session.sign(key, DIGEST, PyKCS11.Mechanism(PyKCS11.CKM_SHA256_RSA_PKCS)))
                public.verify(raw, DIGEST, padding.PKCS1v15(), hashes.SHA256())
            return "good"
        except PyKCS11.PyKCS11Error as error:
            name = PyKCS11.CKR.get(error.value, hex(error.value))
            if name in ("CKR_SESSION_HANDLE_INVALID", "CKR_DEVICE_REMOVED", "CKR_TOKEN_NOT_PRESENT"):
                self.session = None
            return name
        except IndexError:
            return "no-token"
        except InvalidSignature:
            return "bad-signature"


def main():
    worker = Worker(*sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        name, *arguments = line.split()
        try:
            answer = getattr(worker, {"try": "try_"}.get(name, name))(*arguments)
        except PyKCS11.PyKCS11Error as error:
            answer = PyKCS11.CKR.get(error.value, hex(error.value))
        except IndexError:
            answer = "no-token"
        print(answer, flush=True)


main()
