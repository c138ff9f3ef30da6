/* Key management and random numbers (2.40, 5.14 and 5.15; 3.2: encapsulation and authenticated wrapping). */
#include "core/derive.h"
#include "core/random.h"
#include "core/slot.h"
#include "core/write.h"
#include "entry/entry.h"

CK_RV C_GenerateKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *templ, CK_ULONG count,
                    CK_OBJECT_HANDLE *key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL || key == NULL || !in_ok(templ, count)
                   ? CKR_ARGUMENTS_BAD
                   : write_generate(c.session, mechanism, templ, count, key);
    return call_leave(&c);
}

CK_RV C_GenerateKeyPair(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_templ,
                        CK_ULONG public_count, CK_ATTRIBUTE *private_templ, CK_ULONG private_count,
                        CK_OBJECT_HANDLE *public_key, CK_OBJECT_HANDLE *private_key)
{
    struct call c;
    if (call_enter(&c, session, __func__)) {
        bool ok = mechanism != NULL && public_key != NULL && private_key != NULL &&
                  in_ok(public_templ, public_count) && in_ok(private_templ, private_count);
        c.rv = !ok ? CKR_ARGUMENTS_BAD
                   : call_wrote(&c, write_generate_pair(c.session, mechanism,
                                                        (struct key_template){public_templ, public_count},
                                                        (struct key_template){private_templ, private_count},
                                                        public_key, private_key));
    }
    return call_leave(&c);
}

CK_RV C_WrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE wrapping_key,
                CK_OBJECT_HANDLE key, CK_BYTE *wrapped, CK_ULONG *wrapped_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL
                   ? CKR_ARGUMENTS_BAD
                   : wrap_key(c.session, mechanism, wrapping_key, key, OUT(wrapped, wrapped_len));
    return call_leave(&c);
}

CK_RV C_UnwrapKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE unwrapping_key,
                  CK_BYTE *wrapped, CK_ULONG wrapped_len, CK_ATTRIBUTE *templ, CK_ULONG count,
                  CK_OBJECT_HANDLE *key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL || key == NULL || !in_ok(wrapped, wrapped_len) || !in_ok(templ, count)
                   ? CKR_ARGUMENTS_BAD
                   : unwrap_key(c.session, mechanism, unwrapping_key, rd_of(wrapped, wrapped_len), templ,
                                count, key);
    return call_leave(&c);
}

CK_RV C_DeriveKey(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE base,
                  CK_ATTRIBUTE *templ, CK_ULONG count, CK_OBJECT_HANDLE *key)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL || key == NULL || !in_ok(templ, count)
                   ? CKR_ARGUMENTS_BAD
                   : derive_key(c.session, mechanism, base, templ, count, key);
    return call_leave(&c);
}

CK_RV C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG seed_len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(seed, seed_len) ? CKR_ARGUMENTS_BAD : random_seed(rd_of(seed, seed_len));
    return call_leave(&c);
}

CK_RV C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *random, CK_ULONG len)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = !in_ok(random, len) ? CKR_ARGUMENTS_BAD : random_fill(random, len);
    return call_leave(&c);
}

/* ---- 3.2: no mechanism here is for these ---- */

static CK_RV not_a_mechanism(const CK_MECHANISM *m, CK_FLAGS use)
{
    if (m == NULL)
        return CKR_ARGUMENTS_BAD;
    const struct mech_row *row = mech_row(m->mechanism);
    return row == NULL || (row->flags & use) == 0 ? CKR_MECHANISM_INVALID : CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV C_EncapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE public_key,
                       CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR out, CK_ULONG_PTR out_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    struct call c;
    (void)public_key;
    (void)templ;
    (void)count;
    (void)out;
    (void)out_len;
    (void)key;
    if (call_enter(&c, session, __func__))
        c.rv = not_a_mechanism(mechanism, CKF_ENCAPSULATE);
    return call_leave(&c);
}

CK_RV C_DecapsulateKey(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism, CK_OBJECT_HANDLE private_key,
                       CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR in, CK_ULONG in_len,
                       CK_OBJECT_HANDLE_PTR key)
{
    struct call c;
    (void)private_key;
    (void)templ;
    (void)count;
    (void)in;
    (void)in_len;
    (void)key;
    if (call_enter(&c, session, __func__))
        c.rv = not_a_mechanism(mechanism, CKF_DECAPSULATE);
    return call_leave(&c);
}

CK_RV C_WrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                             CK_OBJECT_HANDLE wrapping_key, CK_OBJECT_HANDLE key, CK_BYTE_PTR aad,
                             CK_ULONG aad_len, CK_BYTE_PTR wrapped, CK_ULONG_PTR wrapped_len)
{
    struct call c;
    (void)wrapping_key;
    (void)key;
    (void)aad;
    (void)aad_len;
    (void)wrapped;
    (void)wrapped_len;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL ? CKR_ARGUMENTS_BAD : CKR_MECHANISM_INVALID;
    return call_leave(&c);
}

CK_RV C_UnwrapKeyAuthenticated(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mechanism,
                               CK_OBJECT_HANDLE unwrapping_key, CK_BYTE_PTR wrapped, CK_ULONG wrapped_len,
                               CK_ATTRIBUTE_PTR templ, CK_ULONG count, CK_BYTE_PTR aad, CK_ULONG aad_len,
                               CK_OBJECT_HANDLE_PTR key)
{
    struct call c;
    (void)unwrapping_key;
    (void)wrapped;
    (void)wrapped_len;
    (void)templ;
    (void)count;
    (void)aad;
    (void)aad_len;
    (void)key;
    if (call_enter(&c, session, __func__))
        c.rv = mechanism == NULL ? CKR_ARGUMENTS_BAD : CKR_MECHANISM_INVALID;
    return call_leave(&c);
}

/* No session is asynchronous (C_OpenSession refuses CKF_ASYNC_SESSION), so nothing is ever pending. */
CK_RV C_AsyncComplete(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ASYNC_DATA *result)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = function == NULL || result == NULL ? CKR_ARGUMENTS_BAD : CKR_SESSION_ASYNC_NOT_SUPPORTED;
    return call_leave(&c);
}

CK_RV C_AsyncGetID(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG_PTR id)
{
    struct call c;
    if (call_enter(&c, session, __func__))
        c.rv = function == NULL || id == NULL ? CKR_ARGUMENTS_BAD : CKR_SESSION_ASYNC_NOT_SUPPORTED;
    return call_leave(&c);
}

CK_RV C_AsyncJoin(CK_SESSION_HANDLE session, CK_UTF8CHAR_PTR function, CK_ULONG id, CK_BYTE_PTR data,
                  CK_ULONG data_len)
{
    struct call c;
    (void)id;
    if (call_enter(&c, session, __func__))
        c.rv =
            function == NULL || !in_ok(data, data_len) ? CKR_ARGUMENTS_BAD : CKR_SESSION_ASYNC_NOT_SUPPORTED;
    return call_leave(&c);
}
