// Certificates, CHUID, Key History and Discovery as bytes: SP 800-73-4 part 1, appendix A and 3.3.
#include "card/piv/content.h"

#include <string.h>

#define INFO_GZIP 0x01 // CertInfo: part 1, table 39

bool piv_certificate_parse(struct rd content, struct piv_certificate *out)
{
    struct rd data;
    struct rd value;
    uint32_t tag;
    uint8_t info = 0;
    *out = (struct piv_certificate){0};
    if (!rd_tlv(&content, 0x70, &data) || data.n == 0)
        return false;
    while (!rd_end(&content)) {
        if (!rd_tlv_any(&content, &tag, &value))
            return false;
        if (tag == 0x71 && value.n == 1)
            info = value.p[0];
    }
    out->data = data;
    out->compressed = info & INFO_GZIP;
    return true;
}

bool piv_certificate_build(struct wr *w, struct rd data, bool compressed)
{
    wr_tlv(w, 0x70, data);
    wr_tlv(w, 0x71, rd_of(&(uint8_t){compressed ? INFO_GZIP : 0}, 1));
    wr_tlv(w, 0xFE, rd_of(NULL, 0));
    return !w->failed;
}

bool piv_chuid_parse(struct rd content, struct piv_chuid *out)
{
    static const uint8_t none[PIV_GUID_SIZE];
    struct piv_chuid chuid = {0};
    *out = chuid;
    while (!rd_end(&content)) {
        uint32_t tag;
        struct rd value;
        if (!rd_tlv_any(&content, &tag, &value))
            return false;
        if (tag == 0x30)
            chuid.fascn = value;
        else if (tag == 0x35)
            chuid.expiry = value;
        else if (tag == 0x3E)
            chuid.signature = value;
        else if (tag == 0x34 && value.n == PIV_GUID_SIZE) {
            memcpy(chuid.guid, value.p, PIV_GUID_SIZE);
            chuid.has_guid = memcmp(chuid.guid, none, PIV_GUID_SIZE) != 0;
        }
    }
    *out = chuid;
    return true;
}

bool piv_chuid_build(struct wr *w, const uint8_t guid[PIV_GUID_SIZE], const char *expiry)
{
    // The FASC-N of a card without a federal issuer: agency and system 9999, credential 999999, person 0...1
    // (part 1, 3.1.2; TIG SCEPACS 2.3, in its 5-bit BCD).
    static const uint8_t fascn[] = {0xD4, 0xE7, 0x39, 0xDA, 0x73, 0x9C, 0xED, 0x39, 0xCE,
                                    0x73, 0x9D, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10,
                                    0x84, 0x21, 0xC8, 0x42, 0x10, 0xC3, 0xEB};
    wr_tlv(w, 0x30, rd_of(fascn, sizeof fascn));
    wr_tlv(w, 0x34, rd_of(guid, PIV_GUID_SIZE));
    wr_tlv(w, 0x35, rd_of(expiry, strlen(expiry)));
    wr_tlv(w, 0x3E, rd_of(NULL, 0));
    wr_tlv(w, 0xFE, rd_of(NULL, 0));
    return !w->failed;
}

bool piv_key_history_parse(struct rd content, struct piv_key_history *out)
{
    struct piv_key_history history = {0};
    *out = history;
    while (!rd_end(&content)) {
        uint32_t tag;
        struct rd value;
        if (!rd_tlv_any(&content, &tag, &value))
            return false;
        if ((tag == 0xC1 || tag == 0xC2) && value.n != 1)
            return false;
        if (tag == 0xC1)
            history.on_card = value.p[0];
        else if (tag == 0xC2)
            history.off_card = value.p[0];
        else if (tag == 0xF3)
            history.url = value;
    }
    if (history.on_card + history.off_card > PIV_RETIRED_SLOTS)
        return false;
    *out = history;
    return true;
}

bool piv_key_history_build(struct wr *w, const struct piv_key_history *history)
{
    wr_tlv(w, 0xC1, rd_of(&history->on_card, 1));
    wr_tlv(w, 0xC2, rd_of(&history->off_card, 1));
    if (history->off_card != 0) // part 1, 3.3.3: only then
        wr_tlv(w, 0xF3, history->url);
    wr_tlv(w, 0xFE, rd_of(NULL, 0));
    return !w->failed && history->on_card + history->off_card <= PIV_RETIRED_SLOTS;
}

bool piv_discovery_parse(struct rd content, struct piv_discovery *out)
{
    static const uint8_t aid[] = {0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00};
    struct rd name;
    struct rd policy;
    *out = (struct piv_discovery){0};
    if (!rd_tlv(&content, 0x4F, &name) || name.n < sizeof aid || memcmp(name.p, aid, sizeof aid) != 0)
        return false;
    if (!rd_tlv(&content, 0x5F2F, &policy) || policy.n != 2)
        return false;
    // Part 1, 3.3.2: bit 6 of the first byte, the global PIN too; second byte 20: it is the primary one.
    out->global_pin = policy.p[0] & 0x20;
    out->global_first = out->global_pin && policy.p[1] == 0x20;
    out->occ = policy.p[0] & 0x10;
    return true;
}
