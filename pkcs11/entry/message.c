/* Message-based functions (3.0, 5.9, 5.11, 5.14, 5.16). */
#include "core/op.h"
#include "entry/entry.h"

/* Each message of a message-based signature is an operation of its own with the same mechanism and key; PIV's
 * mechanisms have no parameters that change from message to message. */

#define NOT_HERE(name, params, ...)                                                                          \
    CK_RV name params                                                                                        \
    {                                                                                                        \
        struct call c;                                                                                       \
        __VA_ARGS__                                                                                          \
        if (call_enter(&c, session, __func__))                                                               \
            c.rv = CKR_FUNCTION_NOT_SUPPORTED;                                                               \
        return call_leave(&c);                                                                               \
    }
#define ONLY_SESSION CK_SESSION_HANDLE session
#define SESSION_INIT CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key
#define UNUSED_INIT                                                                                          \
    (void)mechanism;                                                                                         \
    (void)key;

NOT_HERE(C_MessageEncryptInit, (SESSION_INIT), UNUSED_INIT)
NOT_HERE(C_EncryptMessage,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,
          CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len),
         (void)param;
         (void)param_len; (void)aad; (void)aad_len; (void)in; (void)in_len; (void)out; (void)out_len;)
NOT_HERE(C_EncryptMessageBegin,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
          CK_ULONG aad_len),
         (void)param;
         (void)param_len; (void)aad; (void)aad_len;)
NOT_HERE(C_EncryptMessageNext,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)out; (void)out_len; (void)flags;)
NOT_HERE(C_MessageEncryptFinal, (ONLY_SESSION), )
NOT_HERE(C_MessageDecryptInit, (SESSION_INIT), UNUSED_INIT)
NOT_HERE(C_DecryptMessage,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,
          CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len),
         (void)param;
         (void)param_len; (void)aad; (void)aad_len; (void)in; (void)in_len; (void)out; (void)out_len;)
NOT_HERE(C_DecryptMessageBegin,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad,
          CK_ULONG aad_len),
         (void)param;
         (void)param_len; (void)aad; (void)aad_len;)
NOT_HERE(C_DecryptMessageNext,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)out; (void)out_len; (void)flags;)
NOT_HERE(C_MessageDecryptFinal, (ONLY_SESSION), )
NOT_HERE(C_MessageSignInit, (SESSION_INIT), UNUSED_INIT)
NOT_HERE(C_SignMessage,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR signature, CK_ULONG_PTR signature_len),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)signature; (void)signature_len;)
NOT_HERE(C_SignMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len), (void)param;
         (void)param_len;)
NOT_HERE(C_SignMessageNext,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR signature, CK_ULONG_PTR signature_len),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)signature; (void)signature_len;)
NOT_HERE(C_MessageSignFinal, (ONLY_SESSION), )
NOT_HERE(C_MessageVerifyInit, (SESSION_INIT), UNUSED_INIT)
NOT_HERE(C_VerifyMessage,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR signature, CK_ULONG signature_len),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)signature; (void)signature_len;)
NOT_HERE(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len),
         (void)param;
         (void)param_len;)
NOT_HERE(C_VerifyMessageNext,
         (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,
          CK_BYTE_PTR signature, CK_ULONG signature_len),
         (void)param;
         (void)param_len; (void)in; (void)in_len; (void)signature; (void)signature_len;)
NOT_HERE(C_MessageVerifyFinal, (ONLY_SESSION), )
