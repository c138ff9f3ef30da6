/* Gives a fuzzed command to a card in memory and looks at what must hold after every one. */
#include "fw_card.h"

#include "applet/piv.h"

#include <stdio.h>
#include <stdlib.h>

const char *const fw_profiles[FW_PROFILES] = {"piv", "yubikey-5.4", "yubikey-5.7", "otp-card"};

void fw_fail(const struct fuzz *f, const char *why)
{
    (void)fprintf(stderr, "fw-apdu: command %llu: %s:", (unsigned long long)f->commands, why);
    for (size_t i = 0; i < f->len; i++)
        (void)fprintf(stderr, "%02X", f->command[i]);
    (void)fputc('\n', stderr);
    abort();
}

/* Making RSA keys says nothing new and takes most of the time: the request becomes one for P-256. */
static void spare_rsa(uint8_t *command, size_t len)
{
    for (size_t i = 0; i + 2 < len; i++)
        if (command[i] == 0x80 && command[i + 1] == 0x01 && command[i + 2] < 0x11)
            command[i + 2] = 0x11;
        else if (command[i] == 0x80 && command[i + 1] == 0x01 && command[i + 2] == 0x16)
            command[i + 2] = 0x14;
}

/* docs/otp-card.md, GET OTP STATE: tries at 5 and 6, the length of the gates at 23. */
static void check_codes(struct fuzz *f)
{
    const uint8_t *state = f->world->answer;
    if (world_hex(f->world, "00F1000000") != 0x9000 || f->world->len < 26)
        fw_fail(f, "the state of the codes is gone");
    if (state[5] > state[6])
        fw_fail(f, "the tries of the code are out of bounds");
    if (state[23] != 0 && state[6] == 0)
        fw_fail(f, "a gate without a verification secret");
}

void fw_check(struct fuzz *f)
{
    static const uint8_t references[] = {PIV_PIN, PIV_PUK};
    struct piv_secret secret;
    for (size_t i = 0; i < 2; i++)
        if (!piv_secret_read(f->world->card, references[i], &secret) || secret.left > secret.tries ||
            secret.tries == 0)
            fw_fail(f, "a counter is out of bounds");
    if ((f->world->card->kind->extensions & PIV_EXTENSION_OTP) != 0)
        check_codes(f);
}

void fw_send(struct fuzz *f)
{
    struct world *w = f->world;
    spare_rsa(f->command, f->len);
    unsigned status = world_send(w, f->command, f->len);
    while (w->card->waiting) {
        w->touch.answer = w->touch.asked % 2 == 0 ? HAL_TOUCH_YES : HAL_TOUCH_NO;
        w->len = fw_card_resume(w->card, w->answer);
        status = w->len < 2 ? 0 : (unsigned)w->answer[w->len - 2] << 8;
    }
    if (w->len < 2 || w->len > FW_ANSWER_MAX || (status >> 12 != 6 && status >> 12 != 9))
        fw_fail(f, "no answer that is one");
    f->bytes += f->len;
    f->commands++;
    f->statuses += status >= 0x9000;
}
