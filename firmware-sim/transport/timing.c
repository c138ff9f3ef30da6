/* Looks an exchange up in its profile's table of times. */
#include "transport/timing.h"

uint64_t timing_of(const struct fw_card *card, size_t answer_len, uint64_t elapsed_us)
{
    const struct profile *p = profile_of(card);
    uint64_t us = p->exchange_us + (uint64_t)p->byte_ns * (answer_len + card->command.len) / 1000;
    for (size_t i = 0; i < PROFILE_TIMES && p->time[i].us != 0; i++)
        if (card->instruction != NULL && card->instruction->ins == p->time[i].ins &&
            (p->time[i].p1 == -1 || p->time[i].p1 == card->command.p1)) {
            us = p->time[i].us;
            break;
        }
    return us > elapsed_us ? us - elapsed_us : 0;
}
