// Fuzzes everything that reads a card's answers: PIV, its objects, the extensions, the channel's layers.
#include "lying_card.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    lying_card(rd_of(data, size));
    return 0;
}
