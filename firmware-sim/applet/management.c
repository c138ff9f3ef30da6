/* READ CONFIG of the management application, as far as ykman asks for it; nothing can be configured. */
#include "applet/management.h"

#include "applet/personality.h"

#include <stdio.h>
#include <string.h>

static enum fw_status read_config(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    const struct profile *p = profile_of(card);
    struct personality who;
    unsigned version = card->kind->version;
    if (c->p1 != 0)
        return FW_WRONG_P1P2; /* one page holds everything */
    if (!personality_read(&card->store, &who))
        return FW_MEMORY_FAILURE;
    uint8_t applications[2] = {(uint8_t)(p->applications >> 8), (uint8_t)p->applications};
    uint8_t serial[4] = {(uint8_t)(who.serial >> 24), (uint8_t)(who.serial >> 16), (uint8_t)(who.serial >> 8),
                         (uint8_t)who.serial};
    uint8_t number[3] = {(uint8_t)(version >> 16), (uint8_t)(version >> 8), (uint8_t)version};
    static const uint8_t zero[2];
    size_t mark = fw_open_short(r);
    fw_put_tlv(r, 0x01, applications, 2); /* supported over USB */
    fw_put_tlv(r, 0x02, serial, sizeof serial);
    fw_put_tlv(r, 0x03, applications, 2); /* enabled over USB */
    fw_put_tlv(r, 0x04, &p->form_factor, 1);
    fw_put_tlv(r, 0x05, number, sizeof number);
    fw_put_tlv(r, 0x06, zero, 2); /* automatic eject: off */
    fw_put_tlv(r, 0x07, zero, 1); /* time for challenge-response: the default */
    fw_put_tlv(r, 0x08, zero, 1); /* device flags */
    fw_put_tlv(r, 0x0A, zero, 1); /* no lock code */
    fw_close_short(r, mark);
    return FW_OK;
}

static const struct fw_instruction instructions[] = {
    {"READ CONFIG", 0x1D, -1, 0x00, .show = true, .answer = true, .run = read_config},
};

static enum fw_status answer_select(struct fw_card *card, const struct fw_command *c, struct fw_reply *r)
{
    char text[48];
    unsigned version = card->kind->version;
    (void)c;
    int n = snprintf(text, sizeof text, "Virtual mgr - FW version %u.%u.%u", version >> 16,
                     version >> 8 & 0xFF, version & 0xFF);
    fw_put(r, text, (size_t)n);
    return FW_OK;
}

const struct fw_applet management_applet = {
    .name = "management",
    .aid = {0xA0, 0x00, 0x00, 0x05, 0x27, 0x47, 0x11, 0x17},
    .aid_len = 8,
    .aid_least = 8,
    .state_size = 1,
    .instruction = instructions,
    .instructions = sizeof instructions / sizeof instructions[0],
    .more_ins = 0xC0,
    .select = answer_select,
};
