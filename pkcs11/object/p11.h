/* PKCS #11 as the module speaks it: p11-kit's 2.40 header and, declared here, what versions 3.0 and 3.2 add
 * to it. */
#ifndef INGAM_P11_H
#define INGAM_P11_H

#pragma GCC visibility push(default)
#include <p11-kit/pkcs11.h>
#pragma GCC visibility pop

#include <stdbool.h>
#include <stdint.h>

/* Return values (3.0, 3.2). */
#define CKR_OPERATION_CANCEL_FAILED     0x202UL
#define CKR_TOKEN_RESOURCE_EXCEEDED     0x201UL
#define CKR_SESSION_ASYNC_NOT_SUPPORTED 0x205UL
#define CKR_AEAD_DECRYPT_FAILED         0x42UL

/* Object classes, key types, attributes. */
#define CKO_PROFILE                         0x9UL
#define CKP_BASELINE_PROVIDER               0x1UL
#define CKP_EXTENDED_PROVIDER               0x2UL
#define CKP_AUTHENTICATION_TOKEN            0x3UL
#define CKP_PUBLIC_CERTIFICATES_TOKEN       0x4UL
#define CKA_UNIQUE_ID                       0x4UL
#define CKA_PROFILE_ID                      0x601UL
#define CKK_EC_MONTGOMERY                   0x41UL
#define CKK_HKDF                            0x42UL
#define CKK_SHA3_224_HMAC                   0x36UL
#define CKK_SHA3_256_HMAC                   0x37UL
#define CKK_SHA3_384_HMAC                   0x38UL
#define CKK_SHA3_512_HMAC                   0x39UL
#define CK_CERTIFICATE_CATEGORY_UNSPECIFIED 0UL
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER  1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY   2UL

/* Ours, of OTP keys: the standard has no attributes for TOTP, the hash and the touch. */
#define CKA_INGAM_OTP_TYPE  (CKA_VENDOR_DEFINED | 0x494E4701UL) /* CK_ULONG: one of the two below */
#define CKA_INGAM_OTP_HASH  (CKA_VENDOR_DEFINED | 0x494E4702UL) /* CK_MECHANISM_TYPE of the hash */
#define CKA_INGAM_OTP_TOUCH (CKA_VENDOR_DEFINED | 0x494E4703UL) /* CK_BBOOL */
#define INGAM_OTP_HOTP      1UL
#define INGAM_OTP_TOTP      2UL

/* Of OTP parameters, as 2.40 has them and p11-kit's header hasn't. */
#define CK_OTP_OUTPUT_FORMAT 7UL

/* Mechanisms. */
#define CKM_SHA3_256_RSA_PKCS          0x60UL
#define CKM_SHA3_384_RSA_PKCS          0x61UL
#define CKM_SHA3_512_RSA_PKCS          0x62UL
#define CKM_SHA3_256_RSA_PKCS_PSS      0x63UL
#define CKM_SHA3_384_RSA_PKCS_PSS      0x64UL
#define CKM_SHA3_512_RSA_PKCS_PSS      0x65UL
#define CKM_SHA3_224_RSA_PKCS          0x66UL
#define CKM_SHA3_224_RSA_PKCS_PSS      0x67UL
#define CKM_SHA3_256                   0x2B0UL
#define CKM_SHA3_256_HMAC              0x2B1UL
#define CKM_SHA3_256_HMAC_GENERAL      0x2B2UL
#define CKM_SHA3_224                   0x2B5UL
#define CKM_SHA3_224_HMAC              0x2B6UL
#define CKM_SHA3_224_HMAC_GENERAL      0x2B7UL
#define CKM_SHA3_384                   0x2C0UL
#define CKM_SHA3_384_HMAC              0x2C1UL
#define CKM_SHA3_384_HMAC_GENERAL      0x2C2UL
#define CKM_SHA3_512                   0x2D0UL
#define CKM_SHA3_512_HMAC              0x2D1UL
#define CKM_SHA3_512_HMAC_GENERAL      0x2D2UL
#define CKM_ECDSA_SHA3_224             0x1047UL
#define CKM_ECDSA_SHA3_256             0x1048UL
#define CKM_ECDSA_SHA3_384             0x1049UL
#define CKM_ECDSA_SHA3_512             0x104AUL
#define CKM_EC_MONTGOMERY_KEY_PAIR_GEN 0x1056UL
#define CKM_HKDF_DERIVE                0x402AUL
#define CKM_HKDF_DATA                  0x402BUL
#define CKM_HKDF_KEY_GEN               0x402CUL

#define CKG_MGF1_SHA3_224 0x6UL
#define CKG_MGF1_SHA3_256 0x7UL
#define CKG_MGF1_SHA3_384 0x8UL
#define CKG_MGF1_SHA3_512 0x9UL

#define CKD_SHA3_224_KDF 0xAUL
#define CKD_SHA3_256_KDF 0xBUL
#define CKD_SHA3_384_KDF 0xCUL
#define CKD_SHA3_512_KDF 0xDUL

/* Flags. */
#define CKF_MESSAGE_ENCRYPT     (1UL << 1)
#define CKF_MESSAGE_DECRYPT     (1UL << 2)
#define CKF_MESSAGE_SIGN        (1UL << 3)
#define CKF_MESSAGE_VERIFY      (1UL << 4)
#define CKF_MULTI_MESSAGE       (1UL << 5)
#define CKF_FIND_OBJECTS        (1UL << 6)
#define CKF_ENCAPSULATE         (1UL << 28)
#define CKF_DECAPSULATE         (1UL << 29)
#define CKF_END_OF_MESSAGE      (1UL << 0)
#define CKF_INTERFACE_FORK_SAFE (1UL << 0)
#define CKF_EC_CURVENAME        (1UL << 26)
#define CKF_EC_OID              CKF_EC_NAMEDCURVE
#define CKF_ASYNC_SESSION       (1UL << 3)
#define CKF_HKDF_SALT_NULL      (1UL << 0)
#define CKF_HKDF_SALT_DATA      (1UL << 1)
#define CKF_HKDF_SALT_KEY       (1UL << 2)

#define CKG_NO_GENERATE      0UL
#define CKG_GENERATE         1UL
#define CKG_GENERATE_COUNTER 2UL
#define CKG_GENERATE_RANDOM  3UL

/* 3.0, 6.17: parameters that p11-kit's header does not have. */
typedef struct ck_hkdf_params {
    CK_BBOOL bExtract;
    CK_BBOOL bExpand;
    CK_MECHANISM_TYPE prfHashMechanism;
    CK_ULONG ulSaltType;
    CK_BYTE_PTR pSalt;
    CK_ULONG ulSaltLen;
    CK_OBJECT_HANDLE hSaltKey;
    CK_BYTE_PTR pInfo;
    CK_ULONG ulInfoLen;
} CK_HKDF_PARAMS;

typedef struct ck_eddsa_params {
    CK_BBOOL phFlag;
    CK_ULONG ulContextDataLen;
    CK_BYTE_PTR pContextData;
} CK_EDDSA_PARAMS;

typedef struct ck_ccm_params {
    CK_ULONG ulDataLen;
    CK_BYTE_PTR pNonce;
    CK_ULONG ulNonceLen;
    CK_BYTE_PTR pAAD;
    CK_ULONG ulAADLen;
    CK_ULONG ulMACLen;
} CK_CCM_PARAMS;

typedef struct ck_gcm_message_params {
    CK_BYTE_PTR pIv;
    CK_ULONG ulIvLen;
    CK_ULONG ulIvFixedBits;
    CK_ULONG ivGenerator;
    CK_BYTE_PTR pTag;
    CK_ULONG ulTagBits;
} CK_GCM_MESSAGE_PARAMS;

/* 3.0, 3.6: interfaces. */
typedef struct ck_interface {
    CK_UTF8CHAR *pInterfaceName;
    CK_VOID_PTR pFunctionList;
    CK_FLAGS flags;
} CK_INTERFACE;
typedef CK_INTERFACE *CK_INTERFACE_PTR;
typedef CK_INTERFACE_PTR *CK_INTERFACE_PTR_PTR;

/* 3.2, 5.22: asynchronous results; the module has none, the type is part of the interface. */
typedef struct ck_async_data {
    CK_ULONG ulVersion;
    CK_BYTE_PTR pValue;
    CK_ULONG ulValue;
    CK_OBJECT_HANDLE hObject;
    CK_OBJECT_HANDLE hAdditionalObject;
} CK_ASYNC_DATA;
typedef CK_ULONG CK_SESSION_VALIDATION_FLAGS_TYPE;
#define CKS_LAST_VALIDATION_OK 1UL

/* The functions of 3.0 and 3.2 as rows: name, arguments. The lists, the declarations and the docs are made
 * from them. */
#define P11_FUNCTIONS_3_0(F)                                                                                 \
    F(C_GetInterfaceList, (CK_INTERFACE_PTR list, CK_ULONG_PTR count))                                       \
    F(C_GetInterface,                                                                                        \
      (CK_UTF8CHAR_PTR name, CK_VERSION_PTR version, CK_INTERFACE_PTR_PTR interface, CK_FLAGS flags))        \
    F(C_LoginUser, (CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin, CK_ULONG pin_len,     \
                    CK_UTF8CHAR_PTR username, CK_ULONG username_len))                                        \
    F(C_SessionCancel, (CK_SESSION_HANDLE session, CK_FLAGS flags))                                          \
    F(C_MessageEncryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))   \
    F(C_EncryptMessage,                                                                                      \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,  \
       CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len))                              \
    F(C_EncryptMessageBegin,                                                                                 \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len)) \
    F(C_EncryptMessageNext,                                                                                  \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,    \
       CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags))                                               \
    F(C_MessageEncryptFinal, (CK_SESSION_HANDLE session))                                                    \
    F(C_MessageDecryptInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))   \
    F(C_DecryptMessage,                                                                                      \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len,  \
       CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR out, CK_ULONG_PTR out_len))                              \
    F(C_DecryptMessageBegin,                                                                                 \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR aad, CK_ULONG aad_len)) \
    F(C_DecryptMessageNext,                                                                                  \
      (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in, CK_ULONG in_len,    \
       CK_BYTE_PTR out, CK_ULONG_PTR out_len, CK_FLAGS flags))                                               \
    F(C_MessageDecryptFinal, (CK_SESSION_HANDLE session))                                                    \
    F(C_MessageSignInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))      \
    F(C_SignMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,      \
                      CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len))                   \
    F(C_SignMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len))                \
    F(C_SignMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,  \
                          CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG_PTR signature_len))               \
    F(C_MessageSignFinal, (CK_SESSION_HANDLE session))                                                       \
    F(C_MessageVerifyInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key))    \
    F(C_VerifyMessage, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len, CK_BYTE_PTR in,    \
                        CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG signature_len))                     \
    F(C_VerifyMessageBegin, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len))              \
    F(C_VerifyMessageNext, (CK_SESSION_HANDLE session, CK_VOID_PTR param, CK_ULONG param_len,                \
                            CK_BYTE_PTR in, CK_ULONG in_len, CK_BYTE_PTR signature, CK_ULONG signature_len)) \
    F(C_MessageVerifyFinal, (CK_SESSION_HANDLE session))

#define P11_FUNCTIONS_3_2(F)                                                                                 \
    F(C_EncapsulateKey, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key, \
                         CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR out, CK_ULONG_PTR out_len,      \
                         CK_OBJECT_HANDLE_PTR key))                                                          \
    F(C_DecapsulateKey,                                                                                      \
      (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,                  \
       CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR in, CK_ULONG in_len, CK_OBJECT_HANDLE_PTR key))   \
    F(C_VerifySignatureInit, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE key,   \
                              CK_BYTE_PTR signature, CK_ULONG signature_len))                                \
    F(C_VerifySignature, (CK_SESSION_HANDLE session, CK_BYTE_PTR data, CK_ULONG data_len))                   \
    F(C_VerifySignatureUpdate, (CK_SESSION_HANDLE session, CK_BYTE_PTR part, CK_ULONG part_len))             \
    F(C_VerifySignatureFinal, (CK_SESSION_HANDLE session))                                                   \
    F(C_GetSessionValidationFlags,                                                                           \
      (CK_SESSION_HANDLE session, CK_SESSION_VALIDATION_FLAGS_TYPE type, CK_FLAGS * flags))                  \
    F(C_AsyncComplete, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA * result))        \
    F(C_AsyncGetID, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id))                  \
    F(C_AsyncJoin, (CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,      \
                    CK_ULONG data_len))                                                                      \
    F(C_WrapKeyAuthenticated, (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,                        \
                               CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR aad,         \
                               CK_ULONG aad_len, CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len))             \
    F(C_UnwrapKeyAuthenticated,                                                                              \
      (CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE unwrapping_key,               \
       CK_BYTE_PTR wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR aad,   \
       CK_ULONG aad_len, CK_OBJECT_HANDLE_PTR key))

#define P11_DECLARE(name, args)                                                                              \
    typedef CK_RV(*CK_##name) args;                                                                          \
    __attribute__((visibility("default"))) CK_RV name args;
P11_FUNCTIONS_3_0(P11_DECLARE)
P11_FUNCTIONS_3_2(P11_DECLARE)
#undef P11_DECLARE

/* The members of p11-kit's 2.40 list, in its order. */
#define P11_MEMBER(name, args) CK_##name name;
// clang-format off
// clang-format off
#define P11_FUNCTIONS_2_40(F)                                                                           \
    F(C_Initialize) F(C_Finalize) F(C_GetInfo) F(C_GetFunctionList) F(C_GetSlotList)                    \
    F(C_GetSlotInfo) F(C_GetTokenInfo) F(C_GetMechanismList) F(C_GetMechanismInfo) F(C_InitToken)       \
    F(C_InitPIN) F(C_SetPIN) F(C_OpenSession) F(C_CloseSession) F(C_CloseAllSessions)                   \
    F(C_GetSessionInfo) F(C_GetOperationState) F(C_SetOperationState) F(C_Login) F(C_Logout)            \
    F(C_CreateObject) F(C_CopyObject) F(C_DestroyObject) F(C_GetObjectSize) F(C_GetAttributeValue)      \
    F(C_SetAttributeValue) F(C_FindObjectsInit) F(C_FindObjects) F(C_FindObjectsFinal)                  \
    F(C_EncryptInit) F(C_Encrypt) F(C_EncryptUpdate) F(C_EncryptFinal) F(C_DecryptInit)                 \
    F(C_Decrypt) F(C_DecryptUpdate) F(C_DecryptFinal) F(C_DigestInit) F(C_Digest) F(C_DigestUpdate)     \
    F(C_DigestKey) F(C_DigestFinal) F(C_SignInit) F(C_Sign) F(C_SignUpdate) F(C_SignFinal)              \
    F(C_SignRecoverInit) F(C_SignRecover) F(C_VerifyInit) F(C_Verify) F(C_VerifyUpdate)                 \
    F(C_VerifyFinal) F(C_VerifyRecoverInit) F(C_VerifyRecover) F(C_DigestEncryptUpdate)                 \
    F(C_DecryptDigestUpdate) F(C_SignEncryptUpdate) F(C_DecryptVerifyUpdate) F(C_GenerateKey)           \
    F(C_GenerateKeyPair) F(C_WrapKey) F(C_UnwrapKey) F(C_DeriveKey) F(C_SeedRandom)                     \
    F(C_GenerateRandom) F(C_GetFunctionStatus) F(C_CancelFunction) F(C_WaitForSlotEvent)
// clang-format on
#define P11_MEMBER_2_40(name) CK_##name name;

typedef struct ck_function_list_3_0 {
    CK_VERSION version;
    P11_FUNCTIONS_2_40(P11_MEMBER_2_40)
    P11_FUNCTIONS_3_0(P11_MEMBER)
} CK_FUNCTION_LIST_3_0;

typedef struct ck_function_list_3_2 {
    CK_VERSION version;
    P11_FUNCTIONS_2_40(P11_MEMBER_2_40)
    P11_FUNCTIONS_3_0(P11_MEMBER)
    P11_FUNCTIONS_3_2(P11_MEMBER)
} CK_FUNCTION_LIST_3_2;

#endif
