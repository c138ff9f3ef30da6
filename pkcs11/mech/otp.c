/* One-time passwords (PKCS #11 2.40 mechanisms, 2.38): the parameters of CKM_HOTP, and the structure that
 * C_Sign answers with. */
#include "mech/families.h"
#include <string.h>
#include <time.h>

#define PARAMS_MAX 16
#define DIGITS_MAX 8
#define TIME_SIZE  14

static bool decimal(const uint8_t *p, size_t n, int *out)
{
    *out = 0;
    for (size_t i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        *out = *out * 10 + (p[i] - '0');
    }
    return true;
}

bool otp_time_read(struct rd text, uint64_t *out)
{
    static const struct {
        int at, size, least, most;
    } fields[] = {{0, 4, 1970, 9999}, {4, 2, 1, 12},  {6, 2, 1, 31},
                  {8, 2, 0, 23},      {10, 2, 0, 59}, {12, 2, 0, 59}};
    int v[6];
    if (text.n != TIME_SIZE)
        return false;
    for (size_t i = 0; i < 6; i++)
        if (!decimal(text.p + fields[i].at, (size_t)fields[i].size, &v[i]) || v[i] < fields[i].least ||
            v[i] > fields[i].most)
            return false;
    struct tm tm = {.tm_year = v[0] - 1900,
                    .tm_mon = v[1] - 1,
                    .tm_mday = v[2],
                    .tm_hour = v[3],
                    .tm_min = v[4],
                    .tm_sec = v[5]};
    time_t t = timegm(&tm);
    if (t < 0 || tm.tm_mday != v[2]) /* the 31st of a month that has none */
        return false;
    *out = (uint64_t)t;
    return true;
}

static void write_digits(uint8_t *out, size_t n, unsigned value)
{
    for (size_t i = n; i-- > 0; value /= 10)
        out[i] = (uint8_t)('0' + value % 10);
}

static void time_write(uint64_t time, uint8_t out[TIME_SIZE])
{
    time_t t = (time_t)time;
    struct tm tm = {0};
    (void)gmtime_r(&t, &tm);
    write_digits(out, 4, (unsigned)(tm.tm_year + 1900));
    write_digits(out + 4, 2, (unsigned)(tm.tm_mon + 1));
    write_digits(out + 6, 2, (unsigned)tm.tm_mday);
    write_digits(out + 8, 2, (unsigned)tm.tm_hour);
    write_digits(out + 10, 2, (unsigned)tm.tm_min);
    write_digits(out + 12, 2, (unsigned)tm.tm_sec);
}

static bool number(const CK_OTP_PARAM *p, CK_ULONG *out)
{
    if (p->ulValueLen != sizeof *out || p->pValue == NULL)
        return false;
    memcpy(out, p->pValue, sizeof *out);
    return true;
}

/* Flags that would take away what the password is made of are refused; the others change nothing here. */
static bool take_flags(struct mech_op *op, CK_ULONG flags)
{
    const CK_ULONG known = CKF_NEXT_OTP | CKF_EXCLUDE_CHALLENGE | CKF_EXCLUDE_PIN | CKF_USER_FRIENDLY_OTP;
    op->otp.next = (flags & CKF_NEXT_OTP) != 0;
    return (flags & ~known) == 0;
}

/* A challenge or a PIN is ignored, as the keys' requirements say. A counter can't be chosen: a password for
 * another one than was asked for would be wrong. */
static bool take_one(struct mech_op *op, const CK_OTP_PARAM *p)
{
    CK_ULONG n;
    switch (p->type) {
    case CK_OTP_PIN:
    case CK_OTP_CHALLENGE:
        return true;
    case CK_OTP_TIME:
        op->otp.timed = p->pValue != NULL && otp_time_read(rd_of(p->pValue, p->ulValueLen), &op->otp.time);
        return op->otp.timed;
    case CK_OTP_FLAGS:
        return number(p, &n) && take_flags(op, n);
    case CK_OTP_OUTPUT_LENGTH:
        if (!number(p, &n) || n < 6 || n > DIGITS_MAX)
            return false;
        op->otp.length = (unsigned)n;
        return true;
    case CK_OTP_OUTPUT_FORMAT:
        return number(p, &n) && n == CK_OTP_FORMAT_DECIMAL;
    default:
        return false;
    }
}

/* No parameter at all means none of them. */
static CK_RV params(struct mech_op *op, const CK_MECHANISM *m)
{
    CK_OTP_PARAMS all;
    if (m->ulParameterLen == 0)
        return CKR_OK;
    if (m->pParameter == NULL || m->ulParameterLen != sizeof all)
        return CKR_MECHANISM_PARAM_INVALID;
    memcpy(&all, m->pParameter, sizeof all);
    if (all.ulCount > PARAMS_MAX || (all.pParams == NULL && all.ulCount != 0))
        return CKR_MECHANISM_PARAM_INVALID;
    for (CK_ULONG i = 0; i < all.ulCount; i++) {
        for (CK_ULONG j = 0; j < i; j++)
            if (all.pParams[j].type == all.pParams[i].type)
                return CKR_MECHANISM_PARAM_INVALID;
        if (!take_one(op, &all.pParams[i]))
            return CKR_MECHANISM_PARAM_INVALID;
    }
    return CKR_OK;
}

static size_t out_len(const struct mech_op *op, size_t in_len)
{
    (void)op;
    (void)in_len;
    return sizeof(CK_OTP_SIGNATURE_INFO) + 2 * sizeof(CK_OTP_PARAM) + DIGITS_MAX + TIME_SIZE;
}

/* Structures first, then the values that they point to; the caller's buffer need not be aligned. */
void otp_answer(const char *value, size_t digits, uint64_t time, uint8_t *out, size_t *len)
{
    size_t count = time != 0 ? 2 : 1;
    uint8_t *params = out + sizeof(CK_OTP_SIGNATURE_INFO), *values = params + count * sizeof(CK_OTP_PARAM);
    CK_OTP_SIGNATURE_INFO info = {(CK_OTP_PARAM *)(void *)params, count};
    CK_OTP_PARAM param[2] = {{CK_OTP_VALUE, values, digits}, {CK_OTP_TIME, values + digits, TIME_SIZE}};
    memcpy(out, &info, sizeof info);
    memcpy(params, param, count * sizeof param[0]);
    memcpy(values, value, digits);
    if (time != 0)
        time_write(time, values + digits);
    *len = (size_t)(values - out) + digits + (time != 0 ? TIME_SIZE : 0);
}

static const struct mech_family hotp = {.name = "HOTP", .params = params, .out_len = out_len};

static const struct mech_row rows[] = {
    ROW(CKM_HOTP, CKK_HOTP, 1, 64, CKF_SIGN, MECH_OATH, HOST_NONE, &hotp),
};
const struct mech_rows mech_otp = {rows, sizeof rows / sizeof rows[0]};
