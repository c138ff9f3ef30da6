/* The libFuzzer target of the simulated card: two bytes of length and a command, repeated. */
#include "fw_card.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.world = world_new(fw_profiles[size % FW_PROFILES], 1)};
    (void)world_authenticate(f.world);
    while (size >= 2) {
        size_t len = ((size_t)data[0] << 8 | data[1]) % FW_COMMAND_MAX;
        data += 2;
        size -= 2;
        f.len = len < size ? len : size;
        memcpy(f.command, data, f.len);
        data += f.len;
        size -= f.len;
        fw_send(&f);
    }
    fw_check(&f);
    world_free(f.world);
    return 0;
}
