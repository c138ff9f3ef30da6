// The objects of a management key that the PIN opens (ykman's convention, in Yubico's public manual:
// "protected management key").
#include "card/piv/adminpin.h"

#include <string.h>

#define FLAG_PUK_BLOCKED 0x01
#define FLAG_STORED      0x02

bool piv_adminpin_parse(struct rd content, struct piv_adminpin *out)
{
    struct piv_adminpin data = {0};
    struct rd list;
    *out = data;
    if (!(rd_tlv(&content, 0x80, &list) && rd_end(&content)))
        return false;
    while (!rd_end(&list)) {
        uint32_t tag;
        struct rd v;
        if (!rd_tlv_any(&list, &tag, &v))
            return false;
        if (tag == 0x81 && v.n == 1) {
            data.puk_blocked = v.p[0] & FLAG_PUK_BLOCKED;
            data.stored = v.p[0] & FLAG_STORED;
        } else if (tag == 0x82 && v.n == PIV_SALT_SIZE) {
            data.derived = true;
            memcpy(data.salt, v.p, PIV_SALT_SIZE);
        } else if (tag == 0x83 && !(rd_u32(&v, &data.changed) && rd_end(&v))) {
            return false;
        }
    }
    *out = data;
    return true;
}

bool piv_adminpin_build(struct wr *w, const struct piv_adminpin *data)
{
    uint8_t flags = (uint8_t)((data->puk_blocked ? FLAG_PUK_BLOCKED : 0) | (data->stored ? FLAG_STORED : 0));
    size_t list = wr_open(w, 0x80);
    wr_tlv(w, 0x81, rd_of(&flags, 1));
    if (data->derived)
        wr_tlv(w, 0x82, rd_of(data->salt, PIV_SALT_SIZE));
    if (data->changed != 0) {
        size_t time = wr_open(w, 0x83);
        wr_u32(w, data->changed);
        wr_close(w, time);
    }
    wr_close(w, list);
    return !w->failed;
}

static bool is_key_size(size_t n)
{
    return n == 16 || n == 24 || n == 32;
}

bool piv_adminpin_key_parse(struct rd content, struct rd *key)
{
    struct rd list;
    struct rd k;
    *key = rd_of(NULL, 0);
    if (!(rd_tlv(&content, 0x88, &list) && rd_end(&content) && rd_tlv(&list, 0x89, &k)) || !is_key_size(k.n))
        return false;
    *key = k;
    return true;
}

bool piv_adminpin_key_build(struct wr *w, struct rd key)
{
    size_t list = wr_open(w, 0x88);
    if (key.n != 0)
        wr_tlv(w, 0x89, key);
    wr_close(w, list);
    return !w->failed && (key.n == 0 || is_key_size(key.n));
}

enum err piv_adminpin_read(struct card *c, struct piv_adminpin *out)
{
    struct rd content;
    *out = (struct piv_adminpin){0};
    enum err e = piv_get_data(c, PIV_TAG_ADMIN_DATA, &content);
    if (e == E_NOT_FOUND) {
        err_clear(&c->trail);
        return E_OK;
    }
    if (e == E_OK && !piv_adminpin_parse(content, out))
        e = FAIL(&c->trail, E_MALFORMED, "note about the management key");
    return e;
}

enum err piv_adminpin_key(struct card *c, struct secret **key)
{
    struct piv_adminpin note;
    struct rd content;
    struct rd k;
    *key = NULL;
    enum err e = piv_adminpin_read(c, &note);
    if (e == E_OK && !note.stored)
        e = FAIL(&c->trail, E_NOT_FOUND, "the card keeps no management key");
    if (e == E_OK)
        e = piv_get_data(c, PIV_TAG_PRINTED, &content);
    if (e != E_OK)
        return e;
    if (!piv_adminpin_key_parse(content, &k))
        e = FAIL(&c->trail, E_MALFORMED, "management key in the printed information");
    else if (!(*key = secret_new(k.p, k.n)))
        e = FAIL(&c->trail, E_MEMORY, "management key");
    chan_wipe(&c->chan);
    return e;
}

static enum err write_key(struct card *c, struct rd key)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd content;
    bool fits = piv_adminpin_key_build(&w, key) && wr_done(&w, &content);
    enum err e = fits ? piv_put_data(c, PIV_TAG_PRINTED, content)
                      : FAIL(&c->trail, E_ARGUMENT, "management key: length");
    secret_wipe(buf, sizeof buf);
    return e;
}

static enum err write_note(struct card *c, const struct piv_adminpin *note)
{
    uint8_t buf[64];
    struct wr w = wr_of(buf, sizeof buf);
    struct rd content;
    if (!piv_adminpin_build(&w, note) || !wr_done(&w, &content))
        return FAIL(&c->trail, E_ARGUMENT, "note about the management key");
    return piv_put_data(c, PIV_TAG_ADMIN_DATA, content);
}

enum err piv_adminpin_keep(struct card *c, struct rd key)
{
    struct piv_adminpin note;
    if (!is_key_size(key.n))
        return FAIL(&c->trail, E_ARGUMENT, "management key: length");
    enum err e = piv_adminpin_read(c, &note);
    if (e == E_OK)
        e = write_key(c, key);
    note.stored = true;
    note.derived = false;
    return e == E_OK ? write_note(c, &note) : e;
}

enum err piv_adminpin_drop(struct card *c)
{
    struct piv_adminpin note;
    enum err e = piv_adminpin_read(c, &note);
    note.stored = false;
    note.derived = false;
    if (e == E_OK)
        e = write_note(c, &note);
    return e == E_OK ? write_key(c, rd_of(NULL, 0)) : e;
}
