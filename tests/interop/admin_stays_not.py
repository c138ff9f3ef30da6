"""Whether a program that knows no management key can write to the card while another one is logged in as SO, and after
it has written.

usage: admin_stays_not.py MODULE SO-PIN KEY-ID    prints "writes" or "refused", a line a moment; the module's mistakes end it.
"""
import sys

import PyKCS11
from smartcard import scard

module, so_pin, key_id = sys.argv[1:]
CK = PyKCS11
# SP 800-73-4 part 2, 3.1.1 and 3.3.1: SELECT of PIV, which leaves its security status alone; PUT DATA of 5FC109.
SELECT = [0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08, 0x00]
PUT = [0x00, 0xDB, 0x3F, 0xFF, 0x09, 0x5C, 0x03, 0x5F, 0xC1, 0x09, 0x53, 0x02, 0x01, 0x00]


def done(answer):
    assert answer[0] == scard.SCARD_S_SUCCESS, scard.SCardGetErrorMessage(answer[0])
    return answer[1:]


# One connection all the time, so that the card keeps its power and nothing is reset by us.
context, = done(scard.SCardEstablishContext(scard.SCARD_SCOPE_SYSTEM))
reader = done(scard.SCardListReaders(context, []))[0][0]
T1 = scard.SCARD_PROTOCOL_T1
card, _ = done(scard.SCardConnect(context, reader, scard.SCARD_SHARE_SHARED, T1))


def transmit(command):
    answer = scard.SCardTransmit(card, scard.SCARD_PCI_T1, command)
    if answer[0] == scard.SCARD_W_RESET_CARD:
        done(scard.SCardReconnect(card, scard.SCARD_SHARE_SHARED, T1, scard.SCARD_LEAVE_CARD))
        answer = scard.SCardTransmit(card, scard.SCARD_PCI_T1, command)
    return done(answer)[0][-2:]


def intrude(moment):
    selected = transmit(SELECT)
    assert selected == [0x90, 0x00] or selected[0] == 0x61, f"no PIV: {selected}"
    one, two = transmit(PUT)
    print(moment, "writes" if (one, two) == (0x90, 0x00) else "refused", f"({one:02X}{two:02X})")


intrude("before:")
lib = PyKCS11.PyKCS11Lib()
lib.load(module)
slot = lib.getSlotList(tokenPresent=True)[0]
session = lib.openSession(slot, CK.CKF_SERIAL_SESSION | CK.CKF_RW_SESSION)
session.login(so_pin, CK.CKU_SO)
intrude("logged in:")
p256 = [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
for number in range(2):
    session.generateKeyPair([(CK.CKA_CLASS, CK.CKO_PUBLIC_KEY), (CK.CKA_TOKEN, True), (CK.CKA_ID, [int(key_id)]),
                             (CK.CKA_EC_PARAMS, p256), (CK.CKA_VERIFY, True)],
                            [(CK.CKA_CLASS, CK.CKO_PRIVATE_KEY), (CK.CKA_TOKEN, True), (CK.CKA_ID, [int(key_id)]),
                             (CK.CKA_SIGN, True)],
                            PyKCS11.Mechanism(CK.CKM_EC_KEY_PAIR_GEN, None))
    intrude("has written:")
session.logout()
intrude("logged out:")
