// PUT DATA: SP 800-73-4 part 2, 3.3.1.
#include "card/base/wr.h"
#include "card/piv/command.h"
#include "card/piv/taglist.h"

enum err piv_put_data(struct card *c, uint32_t tag, struct rd content)
{
    const struct piv_object *object = piv_object_by_tag(tag);
    struct wr w = chan_body(&c->chan);
    struct apdu a = {
        .name = "PUT DATA",
        .ins = 0xDB,
        .p1 = 0x3F,
        .p2 = 0xFF,
        .publish = object && !object->pin ? APDU_PUBLIC : APDU_PUBLIC_REPLY,
    };
    if (content.n > PIV_OBJECT_MAX)
        return FAIL(&c->trail, E_ARGUMENT, "put data: too large");
    // Discovery and the biometric group are written as the templates that they are (part 2, table 10).
    if (tag == PIV_TAG_DISCOVERY || tag == PIV_TAG_BIT_GROUP) {
        wr_tlv(&w, tag, content);
    } else {
        piv_write_tag_list(&w, tag);
        wr_tlv(&w, 0x53, content);
    }
    if (!wr_done(&w, &a.body))
        return FAIL(&c->trail, E_ARGUMENT, "put data: too large");
    return chan_send(&c->chan, &a, NULL);
}
