/* Digests (3.0, 2.20 and following). */
#include "mech/families.h"

static size_t digest_len(const struct mech_op *op, size_t in_len)
{
    (void)in_len;
    return host_hash_size(op->row->hash);
}

static const struct mech_family digest = {.name = "digest", .out_len = digest_len};

#define DIGEST(type, hash) NAMED(type, #type, MECH_NO_KEY, 0, 0, CKF_DIGEST, MECH_SOFTWARE, hash, &digest)

static const struct mech_row rows[] = {
    DIGEST(CKM_SHA_1, HOST_SHA1),
    DIGEST(CKM_SHA224, HOST_SHA224),
    DIGEST(CKM_SHA256, HOST_SHA256),
    DIGEST(CKM_SHA384, HOST_SHA384),
    DIGEST(CKM_SHA512, HOST_SHA512),
    DIGEST(CKM_SHA512_224, HOST_SHA512_224),
    DIGEST(CKM_SHA512_256, HOST_SHA512_256),
    DIGEST(CKM_SHA3_224, HOST_SHA3_224),
    DIGEST(CKM_SHA3_256, HOST_SHA3_256),
    DIGEST(CKM_SHA3_384, HOST_SHA3_384),
    DIGEST(CKM_SHA3_512, HOST_SHA3_512),
};
const struct mech_rows mech_digest = {rows, sizeof rows / sizeof rows[0]};

enum host_hash mech_hash_of(CK_MECHANISM_TYPE type)
{
    for (size_t i = 0; i < mech_digest.count; i++)
        if (rows[i].type == type)
            return rows[i].hash;
    return HOST_NONE;
}

enum host_hash mech_mgf_hash(CK_RSA_PKCS_MGF_TYPE mgf)
{
    static const struct {
        CK_RSA_PKCS_MGF_TYPE mgf;
        enum host_hash hash;
    } mgfs[] = {
        {CKG_MGF1_SHA1, HOST_SHA1},         {CKG_MGF1_SHA224, HOST_SHA224},
        {CKG_MGF1_SHA256, HOST_SHA256},     {CKG_MGF1_SHA384, HOST_SHA384},
        {CKG_MGF1_SHA512, HOST_SHA512},     {CKG_MGF1_SHA3_224, HOST_SHA3_224},
        {CKG_MGF1_SHA3_256, HOST_SHA3_256}, {CKG_MGF1_SHA3_384, HOST_SHA3_384},
        {CKG_MGF1_SHA3_512, HOST_SHA3_512},
    };
    for (size_t i = 0; i < sizeof mgfs / sizeof mgfs[0]; i++)
        if (mgfs[i].mgf == mgf)
            return mgfs[i].hash;
    return HOST_NONE;
}
