"""What Python programs do with a PKCS#11 module, through PyKCS11; the answers are judged with openssl by the caller.

usage: pykcs11_session.py MODULE PIN DIR   writes DIR/py.text and DIR/py.KEY.sig; prints one line a thing done.
"""
import os
import sys

import PyKCS11

module, pin, directory = sys.argv[1:]
CK = PyKCS11


def refused(code, call, *arguments):
    """The call must fail with that CKR_ code."""
    try:
        call(*arguments)
    except PyKCS11.PyKCS11Error as error:
        assert error.value == code, f"{call}: {error}, not {code:#x}"
    else:
        raise AssertionError(f"{call} succeeded")


def write(name, data):
    with open(os.path.join(directory, name), "wb") as file:
        file.write(bytes(data))


def one(session, *template):
    found = session.findObjects(list(template))
    assert len(found) == 1, f"{len(found)} objects for {template}"
    return found[0]


lib = PyKCS11.PyKCS11Lib()
lib.load(module)
info = lib.getInfo()
print("library", info.libraryDescription.strip(), info.cryptokiVersion)
slots = lib.getSlotList(tokenPresent=True)
assert slots
slot = slots[0]
print("slot", lib.getSlotInfo(slot).slotDescription.strip())
token = lib.getTokenInfo(slot)
print("token", token.label.strip(), token.serialNumber.strip())
mechanisms = lib.getMechanismList(slot)
for mechanism in mechanisms:
    lib.getMechanismInfo(slot, mechanism)
print("mechanisms", len(mechanisms))

session = lib.openSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION)
certificates = session.findObjects([(CK.CKA_CLASS, CK.CKO_CERTIFICATE)])
everything = session.findObjects()
print("certificates", len(certificates), "of", len(everything), "objects")
for certificate in certificates:
    value, unknown, subject = session.getAttributeValue(
        certificate, [CK.CKA_VALUE, CK.CKA_MODULUS, CK.CKA_SUBJECT])
    assert value and subject and unknown is None, "others are filled when one attribute is not there"
print("attributes")

refused(CK.CKR_PIN_INCORRECT, session.login, "000000")
flags = lib.getTokenInfo(slot).flags
if flags & CK.CKF_USER_PIN_COUNT_LOW:
    print("count low")
session.login(pin)
assert not lib.getTokenInfo(slot).flags & CK.CKF_USER_PIN_COUNT_LOW
refused(CK.CKR_USER_ALREADY_LOGGED_IN, session.login, pin)
print("login")

text = b"signed from Python"
write("py.text", text)
rsa = one(session, (CK.CKA_CLASS, CK.CKO_PRIVATE_KEY), (CK.CKA_ID, (1,)))
write("py.auth.sig", session.sign(rsa, text, CK.Mechanism(CK.CKM_SHA256_RSA_PKCS)))
pss = CK.RSA_PSS_Mechanism(CK.CKM_SHA256_RSA_PKCS_PSS, CK.CKM_SHA256, CK.CKG_MGF1_SHA256, 32)
write("py.pss.sig", session.sign(rsa, text, pss))
card = one(session, (CK.CKA_CLASS, CK.CKO_PRIVATE_KEY), (CK.CKA_ID, (4,)))
digest = session.digest(text, CK.Mechanism(CK.CKM_SHA256))
write("py.card.sig", session.sign(card, digest, CK.Mechanism(CK.CKM_ECDSA)))
print("signatures")

public = one(session, (CK.CKA_CLASS, CK.CKO_PUBLIC_KEY), (CK.CKA_ID, (1,)))
signature = session.sign(rsa, text, CK.Mechanism(CK.CKM_SHA256_RSA_PKCS))
assert session.verify(public, text, signature, CK.Mechanism(CK.CKM_SHA256_RSA_PKCS))
assert not session.verify(public, text + b".", signature, CK.Mechanism(CK.CKM_SHA256_RSA_PKCS))
print("verification")

decrypt = one(session, (CK.CKA_CLASS, CK.CKO_PRIVATE_KEY), (CK.CKA_ID, (3,)))
encrypt = one(session, (CK.CKA_CLASS, CK.CKO_PUBLIC_KEY), (CK.CKA_ID, (3,)))
sealed = session.encrypt(encrypt, b"secret", CK.Mechanism(CK.CKM_RSA_PKCS))
assert bytes(session.decrypt(decrypt, sealed, CK.Mechanism(CK.CKM_RSA_PKCS))) == b"secret"
print("decryption")

assert len(session.generateRandom(33)) == 33
session.seedRandom(b"seed")
session.logout()
session.closeSession()
refused(CK.CKR_SESSION_HANDLE_INVALID, session.getSessionInfo)
lib.closeAllSessions(slot)
print("logout")

# Twice loaded, and finalized by one of the two.
again = PyKCS11.PyKCS11Lib()
again.load(module)
assert again.getSlotList(tokenPresent=True) == slots
print("loaded twice")
