/* GET DATA and PUT DATA (SP 800-73-4 part 2, 3.1.2 and 3.3.1) with the access rules of part 1, table 2. */
#include "applet/piv.h"

#include <string.h>

struct object {
    uint32_t first, last; /* tags */
    bool pin;             /* read after the PIN only */
};

/* SP 800-73-4 part 1, tables 2 and 3. */
static const struct object objects[] = {
    {0x5FC101, 0x5FC101, false}, /* X.509 certificate for card authentication */
    {0x5FC102, 0x5FC102, false}, /* card holder unique identifier */
    {0x5FC103, 0x5FC103, true},  /* cardholder fingerprints */
    {0x5FC105, 0x5FC105, false}, /* X.509 certificate for PIV authentication */
    {0x5FC106, 0x5FC106, false}, /* security object */
    {0x5FC107, 0x5FC107, false}, /* card capability container */
    {0x5FC108, 0x5FC108, true},  /* cardholder facial image */
    {0x5FC109, 0x5FC109, true},  /* printed information */
    {0x5FC10A, 0x5FC10B, false}, /* X.509 certificates for digital signature and key management */
    {0x5FC10C, 0x5FC10C, false}, /* key history */
    {0x5FC10D, 0x5FC120, false}, /* retired X.509 certificates for key management 1 to 20 */
    {0x5FC121, 0x5FC121, true},  /* cardholder iris images */
    {0x5FC122, 0x5FC122, false}, /* secure messaging certificate signer */
    {0x5FC123, 0x5FC123, true},  /* pairing code reference data */
    {0x7E, 0x7E, false},         /* discovery object */
    {0x7F61, 0x7F61, false},     /* biometric information templates group template */
};
static const struct object maker_object = {0x5F0000, 0x5FFFFF, false};

static const struct object *object_of(const struct fw_card *card, uint32_t tag)
{
    for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++)
        if (tag >= objects[i].first && tag <= objects[i].last)
            return &objects[i];
    if ((profile_of(card)->features & PROFILE_ANY_OBJECT) != 0 && tag >= maker_object.first &&
        tag <= maker_object.last)
        return &maker_object;
    return NULL;
}

/* Discovery and biometric templates are data objects of their own tag, all others lie in 53. */
static bool stands_alone(uint32_t tag)
{
    return tag == 0x7E || tag == 0x7F61;
}

static bool read_tag(const struct fw_tlv *list, uint32_t *tag)
{
    *tag = 0;
    if (list == NULL || list->len < 1 || list->len > 3)
        return false;
    for (size_t i = 0; i < list->len; i++)
        *tag = *tag << 8 | list->value[i];
    return true;
}

/* Part 1, 3.3.2: AID of the application; PIN usage policy: the application PIN alone. */
static enum fw_status default_discovery(struct fw_reply *r)
{
    static const uint8_t policy[] = {0x40, 0x00};
    size_t mark = fw_open(r, 0x7E);
    fw_put_tlv(r, 0x4F, piv_applet.aid, piv_applet.aid_len);
    fw_put_tlv(r, 0x5F2F, policy, sizeof policy);
    fw_close(r, mark);
    return FW_OK;
}

enum fw_status piv_get_data(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct fw_tlv_table table;
    uint32_t tag;
    if (!fw_tlv_split(c->data, c->len, &table) || table.count != 1 ||
        !read_tag(fw_tlv_get(&table, 0x5C), &tag))
        return FW_WRONG_DATA;
    const struct object *object = object_of(card, tag);
    if (object == NULL)
        return FW_FILE_NOT_FOUND;
    if (object->pin && !piv_state(card)->pin_verified)
        return FW_SECURITY_STATUS;
    size_t len = fw_store_size(&card->store, RECORD_OBJECT | tag);
    if (len == 0)
        return tag == 0x7E ? default_discovery(r) : FW_FILE_NOT_FOUND;
    size_t mark = fw_open(r, stands_alone(tag) ? tag : 0x53);
    size_t got;
    if (!fw_store_get(&card->store, RECORD_OBJECT | tag, r->bytes + r->len, r->cap - r->len, &got))
        return FW_MEMORY_FAILURE;
    r->len += got;
    fw_close(r, mark);
    return FW_OK;
}

/* Either 5C with the tag and 53 with the content, or one of the objects that stand alone. */
static const struct fw_tlv *read_put(const struct fw_tlv_table *table, uint32_t *tag)
{
    if (table->count == 1 && stands_alone(table->row[0].tag)) {
        *tag = table->row[0].tag;
        return &table->row[0];
    }
    if (table->count != 2 || table->row[0].tag != 0x5C || !read_tag(&table->row[0], tag))
        return NULL;
    return fw_tlv_get(table, 0x53);
}

enum fw_status piv_put_data(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    struct fw_tlv_table table;
    uint32_t tag;
    (void)r;
    if (!fw_tlv_split(c->data, c->len, &table))
        return FW_WRONG_DATA;
    const struct fw_tlv *content = read_put(&table, &tag);
    if (content == NULL)
        return FW_WRONG_DATA;
    if (object_of(card, tag) == NULL)
        return FW_NOT_SUPPORTED;
    if (content->len > profile_of(card)->object_max)
        return FW_NO_SPACE;
    fw_store_begin(&card->store);
    if (content->len != 0)
        fw_store_put(&card->store, RECORD_OBJECT | tag, content->value, content->len);
    else
        fw_store_delete(&card->store, RECORD_OBJECT | tag);
    return piv_commit(card);
}
