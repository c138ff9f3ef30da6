// Compressed certificates (SP 800-73-4 part 1, table 39: gzip), with bounded work.
#include <zlib.h>

#include "card/piv/content.h"

#define GZIP_OR_ZLIB (15 + 32) // zlib.h, inflateInit2: find the header out
#define GZIP         (15 + 16)

enum err piv_inflate(struct rd data, uint8_t *out, size_t *len)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)data.p, .avail_in = (uInt)data.n};
    size_t cap = *len;
    *len = 0;
    if (data.n > PIV_COMPRESSED_MAX || cap > PIV_INFLATED_MAX)
        return E_ARGUMENT;
    if (inflateInit2(&z, GZIP_OR_ZLIB) != Z_OK)
        return E_MEMORY;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    int rc = inflate(&z, Z_FINISH);
    size_t made = z.total_out;
    size_t rest = z.avail_in;
    bool full = z.avail_out == 0;
    inflateEnd(&z);
    if (rc == Z_MEM_ERROR)
        return E_MEMORY;
    if (rc != Z_STREAM_END)
        return full ? E_BUFFER : E_MALFORMED;
    if (rest != 0)
        return E_MALFORMED;
    *len = made;
    return E_OK;
}

enum err piv_deflate(struct rd data, uint8_t *out, size_t *len)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)data.p, .avail_in = (uInt)data.n};
    size_t cap = *len;
    *len = 0;
    if (data.n > PIV_INFLATED_MAX || cap > PIV_INFLATED_MAX)
        return E_ARGUMENT;
    if (deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return E_MEMORY;
    z.next_out = out;
    z.avail_out = (uInt)cap;
    int rc = deflate(&z, Z_FINISH);
    size_t made = z.total_out;
    deflateEnd(&z);
    if (rc != Z_STREAM_END)
        return E_BUFFER;
    *len = made;
    return E_OK;
}
