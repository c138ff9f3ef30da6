/* Numbered records in a journal of checked frames, two banks of it, so that a power cut costs nothing. */
#include "fw/store.h"

#include "hal/crypto.h"

#include <stddef.h>
#include <string.h>

/* Layout, docs/image-format.md: header at 0, banks at BANK_0 and after it, each a bank header and frames. */
enum {
    HEADER_SIZE = 48,
    BANK_HEADER_SIZE = 32,
    BANK_0 = 4096,
    BANK_SIZE = 1024 * 1024,
    FRAME_HEADER_SIZE = 16,
    RECORD_HEADER_SIZE = 8,
    COMPACT_FLOOR = 96 * 1024,
};
static const char image_magic[8] = "IngamTok";
static const char bank_magic[4] = "Bank";
static const char frame_magic[4] = "Frm1";
#define DELETED 0xFFFFFFFFU

static void write_u32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t read_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool dev_read(const struct fw_store *s, uint64_t at, void *bytes, size_t len)
{
    return s->hal->storage.read(s->hal->storage.world, at, bytes, len);
}

static bool dev_write(const struct fw_store *s, uint64_t at, const void *bytes, size_t len)
{
    return s->hal->storage.write(s->hal->storage.world, at, bytes, len);
}

static bool dev_sync(const struct fw_store *s)
{
    return s->hal->storage.sync(s->hal->storage.world);
}

static uint64_t bank_start(uint32_t generation)
{
    return BANK_0 + (uint64_t)(generation & 1) * BANK_SIZE;
}

static uint64_t bank_end(uint32_t generation)
{
    return bank_start(generation) + BANK_SIZE;
}

static bool check_of(const void *bytes, size_t len, uint8_t out[FW_STORE_CHECK])
{
    uint8_t digest[32];
    if (!crypto_sha256(&(struct crypto_part){bytes, len}, 1, digest))
        return false;
    memcpy(out, digest, FW_STORE_CHECK);
    return true;
}

/* -- the index ------------------------------------------------------------------------------------------- */

static size_t lower_bound(const struct fw_store *s, uint32_t id)
{
    size_t low = 0, high = s->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (s->entry[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct fw_store_entry *find(const struct fw_store *s, uint32_t id)
{
    size_t at = lower_bound(s, id);
    return at < s->count && s->entry[at].id == id ? &s->entry[at] : NULL;
}

static void index_remove(struct fw_store *s, uint32_t id)
{
    size_t at = lower_bound(s, id);
    if (at == s->count || s->entry[at].id != id)
        return;
    memmove(&s->entry[at], &s->entry[at + 1], (s->count - at - 1) * sizeof s->entry[0]);
    s->count--;
}

static bool index_set(struct fw_store *s, uint32_t id, uint64_t offset, uint32_t len)
{
    size_t at = lower_bound(s, id);
    if (at == s->count || s->entry[at].id != id) {
        if (s->count == FW_STORE_RECORDS)
            return false;
        memmove(&s->entry[at + 1], &s->entry[at], (s->count - at) * sizeof s->entry[0]);
        s->count++;
    }
    s->entry[at] = (struct fw_store_entry){id, len, offset};
    return true;
}

/* Walks the records of a frame's payload that was checked before; false when they don't fill it exactly. */
static bool apply(struct fw_store *s, uint64_t at, uint32_t payload_len)
{
    uint64_t end = at + payload_len;
    while (at < end) {
        uint8_t head[RECORD_HEADER_SIZE];
        if (end - at < sizeof head || !dev_read(s, at, head, sizeof head))
            return false;
        uint32_t id = read_u32(head), len = read_u32(head + 4);
        at += sizeof head;
        if (len == DELETED) {
            index_remove(s, id);
            continue;
        }
        if (len > end - at || len > FW_STORE_RECORD_MAX || !index_set(s, id, at, len))
            return false;
        at += len;
    }
    return true;
}

/* -- frames ---------------------------------------------------------------------------------------------- */

/* The check of a frame covers the check before it, its header and its payload. Whatever an interrupted write
 * left behind a frame can't continue a later, different frame: every header has its own random salt. */
struct frame_sum {
    uint8_t digest[32];
};

static bool sum_add(struct frame_sum *sum, const void *bytes, size_t len)
{
    const struct crypto_part part[] = {{sum->digest, sizeof sum->digest}, {bytes, len}};
    return crypto_sha256(part, 2, sum->digest);
}

static bool sum_start(struct frame_sum *sum, const uint8_t before[FW_STORE_CHECK], const uint8_t *header)
{
    memset(sum, 0, sizeof *sum);
    memcpy(sum->digest, before, FW_STORE_CHECK);
    return sum_add(sum, header, FRAME_HEADER_SIZE);
}

enum { PIECE = 4096 }; /* the payload is summed in pieces of this size, so that no large buffer is needed */

static bool sum_payload(const struct fw_store *s, struct frame_sum *sum, uint64_t at, size_t len)
{
    uint8_t piece[PIECE];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < PIECE ? len - done : PIECE;
        if (!dev_read(s, at + done, piece, n) || !sum_add(sum, piece, n))
            return false;
        done += n;
    }
    return true;
}

static bool frame_header(const struct fw_store *s, uint8_t header[FRAME_HEADER_SIZE], uint32_t payload_len)
{
    memcpy(header, frame_magic, 4);
    write_u32(header + 4, payload_len);
    return s->hal->random.fill(s->hal->random.world, header + 8, 8);
}

/* 1: a frame was read; 0: the journal ends here; -1: storage failed or the frame's records are nonsense. */
static int read_frame(struct fw_store *s)
{
    uint8_t header[FRAME_HEADER_SIZE], check[FW_STORE_CHECK];
    struct frame_sum sum;
    uint64_t limit = bank_end(s->generation);
    if (limit - s->end < FRAME_HEADER_SIZE + FW_STORE_CHECK)
        return 0;
    if (!dev_read(s, s->end, header, sizeof header))
        return -1;
    uint32_t len = read_u32(header + 4);
    if (memcmp(header, frame_magic, 4) != 0 || len > limit - s->end - FRAME_HEADER_SIZE - FW_STORE_CHECK)
        return 0;
    uint64_t payload = s->end + FRAME_HEADER_SIZE;
    if (!sum_start(&sum, s->check, header) || !sum_payload(s, &sum, payload, len) ||
        !dev_read(s, payload + len, check, sizeof check))
        return -1;
    if (memcmp(sum.digest, check, sizeof check) != 0)
        return 0;
    if (!apply(s, payload, len))
        return -1;
    memcpy(s->check, check, sizeof check);
    s->end = payload + len + sizeof check;
    return 1;
}

static bool write_frame(struct fw_store *s, const uint8_t *payload, size_t len)
{
    /* One write: header, payload and check are side by side in the pending buffer's frame. */
    uint8_t frame[FRAME_HEADER_SIZE + FW_STORE_CHECK + sizeof s->pending];
    struct frame_sum sum;
    size_t total = FRAME_HEADER_SIZE + len + FW_STORE_CHECK;
    if (!frame_header(s, frame, (uint32_t)len) || !sum_start(&sum, s->check, frame))
        return false;
    memcpy(frame + FRAME_HEADER_SIZE, payload, len);
    for (size_t done = 0; done < len; done += PIECE)
        if (!sum_add(&sum, payload + done, len - done < PIECE ? len - done : PIECE))
            return false;
    memcpy(frame + FRAME_HEADER_SIZE + len, sum.digest, FW_STORE_CHECK);
    bool written = dev_write(s, s->end, frame, total);
    crypto_wipe(frame, total);
    if (!written)
        return false;
    memcpy(s->check, sum.digest, FW_STORE_CHECK);
    s->end += total;
    s->writes++;
    return true;
}

/* -- banks ----------------------------------------------------------------------------------------------- */

static bool bank_header_read(const struct fw_store *s, uint32_t parity, uint32_t *generation, uint8_t *check)
{
    uint8_t header[BANK_HEADER_SIZE];
    *generation = 0;
    if (!dev_read(s, bank_start(parity), header, sizeof header))
        return false;
    if (memcmp(header, bank_magic, 4) != 0 || !check_of(header, 16, check) ||
        memcmp(check, header + 16, FW_STORE_CHECK) != 0 || (read_u32(header + 4) & 1) != parity)
        return true;
    *generation = read_u32(header + 4);
    return true;
}

/* Writes the header that puts a bank into use; its check starts the chain of frames. */
static bool bank_header_make(const struct fw_store *s, uint32_t generation, uint8_t header[BANK_HEADER_SIZE])
{
    memset(header, 0, BANK_HEADER_SIZE);
    memcpy(header, bank_magic, 4);
    write_u32(header + 4, generation);
    return s->hal->random.fill(s->hal->random.world, header + 8, 8) && check_of(header, 16, header + 16);
}

static size_t live_bytes(const struct fw_store *s)
{
    size_t total = 0;
    for (size_t i = 0; i < s->count; i++)
        total += RECORD_HEADER_SIZE + s->entry[i].len;
    return total;
}

/* Puts as many records as fit behind each other into a payload, noting where each will be. */
static bool gather(const struct fw_store *s, size_t *next, struct fw_store_entry *moved, uint64_t payload_at,
                   uint8_t *payload, size_t cap, size_t *used)
{
    *used = 0;
    while (*next < s->count) {
        const struct fw_store_entry *e = &s->entry[*next];
        if (RECORD_HEADER_SIZE + e->len > cap - *used)
            return true;
        write_u32(payload + *used, e->id);
        write_u32(payload + *used + 4, e->len);
        *used += RECORD_HEADER_SIZE;
        if (!dev_read(s, e->at, payload + *used, e->len))
            return false;
        moved[*next] = (struct fw_store_entry){e->id, e->len, payload_at + *used};
        *used += e->len;
        (*next)++;
    }
    return true;
}

static bool fill_bank(struct fw_store *s, struct fw_store_entry *moved)
{
    uint8_t header[BANK_HEADER_SIZE], payload[sizeof s->pending];
    size_t next = 0, used;
    if (!bank_header_make(s, s->generation, header))
        return false;
    memcpy(s->check, header + 16, FW_STORE_CHECK);
    s->end = bank_start(s->generation) + BANK_HEADER_SIZE;
    while (next < s->count)
        if (!gather(s, &next, moved, s->end + FRAME_HEADER_SIZE, payload, sizeof payload, &used) ||
            !write_frame(s, payload, used))
            return false;
    return dev_sync(s) && dev_write(s, bank_start(s->generation), header, sizeof header) && dev_sync(s);
}

/* Moves everything that is alive to the other bank. After failure the present bank is still the one in use.
 */
static bool compact(struct fw_store *s)
{
    struct fw_store_entry moved[FW_STORE_RECORDS];
    uint8_t check[FW_STORE_CHECK];
    uint64_t end = s->end;
    memcpy(check, s->check, sizeof check);
    s->generation++;
    if (!fill_bank(s, moved)) {
        s->generation--;
        s->end = end;
        memcpy(s->check, check, sizeof check);
        return false;
    }
    memcpy(s->entry, moved, s->count * sizeof moved[0]);
    return true;
}

/* -- the interface --------------------------------------------------------------------------------------- */

static enum fw_store_state read_header(struct fw_store *s)
{
    static const uint8_t nothing[HEADER_SIZE];
    uint8_t header[HEADER_SIZE], check[FW_STORE_CHECK];
    if (!dev_read(s, 0, header, sizeof header))
        return FW_STORE_IO;
    if (memcmp(header, nothing, sizeof header) == 0)
        return FW_STORE_BLANK;
    if (memcmp(header, image_magic, sizeof image_magic) != 0)
        return FW_STORE_FOREIGN;
    s->version = read_u32(header + 8);
    if (s->version != FW_STORE_VERSION)
        return FW_STORE_OTHER_VERSION;
    if (!check_of(header, 32, check) || memcmp(check, header + 32, sizeof check) != 0 ||
        read_u32(header + 12) != BANK_0 || read_u32(header + 16) != BANK_SIZE)
        return FW_STORE_DAMAGED;
    return FW_STORE_READY;
}

/* All but the pending bytes, which are never read before they are written: a card that writes nothing stays
 * small. */
static void start(struct fw_store *s, const struct fw_hal *hal)
{
    memset(s, 0, offsetof(struct fw_store, pending));
    s->hal = hal;
}

enum fw_store_state fw_store_open(struct fw_store *s, const struct fw_hal *hal)
{
    uint8_t check[2][FW_STORE_CHECK];
    uint32_t generation[2];
    start(s, hal);
    enum fw_store_state state = read_header(s);
    if (state != FW_STORE_READY)
        return state;
    for (uint32_t parity = 0; parity < 2; parity++)
        if (!bank_header_read(s, parity, &generation[parity], check[parity]))
            return FW_STORE_IO;
    int use = generation[1] > generation[0] ? 1 : 0;
    if (generation[use] == 0)
        return FW_STORE_DAMAGED;
    s->generation = generation[use];
    memcpy(s->check, check[use], FW_STORE_CHECK);
    s->end = bank_start(s->generation) + BANK_HEADER_SIZE;
    int more;
    while ((more = read_frame(s)) > 0)
        ;
    return more == 0 ? FW_STORE_READY : FW_STORE_DAMAGED;
}

bool fw_store_format(struct fw_store *s, const struct fw_hal *hal)
{
    uint8_t header[HEADER_SIZE] = {0}, bank[BANK_HEADER_SIZE], nothing[BANK_HEADER_SIZE] = {0};
    start(s, hal);
    s->version = FW_STORE_VERSION;
    s->generation = 2;
    memcpy(header, image_magic, sizeof image_magic);
    write_u32(header + 8, FW_STORE_VERSION);
    write_u32(header + 12, BANK_0);
    write_u32(header + 16, BANK_SIZE);
    if (!check_of(header, 32, header + 32) || !bank_header_make(s, s->generation, bank))
        return false;
    memcpy(s->check, bank + 16, FW_STORE_CHECK);
    s->end = bank_start(s->generation) + BANK_HEADER_SIZE;
    return dev_write(s, bank_start(1), nothing, sizeof nothing) &&
           dev_write(s, bank_start(0), bank, sizeof bank) && dev_sync(s) &&
           dev_write(s, 0, header, sizeof header) && dev_sync(s);
}

bool fw_store_has(const struct fw_store *s, uint32_t id)
{
    return find(s, id) != NULL;
}

size_t fw_store_size(const struct fw_store *s, uint32_t id)
{
    const struct fw_store_entry *e = find(s, id);
    return e == NULL ? 0 : e->len;
}

bool fw_store_get(const struct fw_store *s, uint32_t id, void *bytes, size_t cap, size_t *len)
{
    const struct fw_store_entry *e = find(s, id);
    *len = 0;
    if (e == NULL || e->len > cap || !dev_read(s, e->at, bytes, e->len))
        return false;
    *len = e->len;
    return true;
}

bool fw_store_get_exact(const struct fw_store *s, uint32_t id, void *bytes, size_t len)
{
    const struct fw_store_entry *e = find(s, id);
    return e != NULL && e->len == len && dev_read(s, e->at, bytes, len);
}

bool fw_store_next(const struct fw_store *s, uint32_t *id)
{
    size_t at = lower_bound(s, *id);
    if (at == s->count)
        return false;
    *id = s->entry[at].id;
    return true;
}

void fw_store_begin(struct fw_store *s)
{
    s->open = true;
    s->broken = false;
    s->pending_len = 0;
}

void fw_store_put(struct fw_store *s, uint32_t id, const void *bytes, size_t len)
{
    if (!s->open || len > FW_STORE_RECORD_MAX ||
        RECORD_HEADER_SIZE + len > sizeof s->pending - s->pending_len) {
        s->broken = true;
        return;
    }
    uint8_t *at = s->pending + s->pending_len;
    write_u32(at, id);
    write_u32(at + 4, (uint32_t)len);
    if (len != 0)
        memcpy(at + RECORD_HEADER_SIZE, bytes, len);
    s->pending_len += RECORD_HEADER_SIZE + len;
}

void fw_store_delete(struct fw_store *s, uint32_t id)
{
    if (!s->open || RECORD_HEADER_SIZE > sizeof s->pending - s->pending_len) {
        s->broken = true;
        return;
    }
    write_u32(s->pending + s->pending_len, id);
    write_u32(s->pending + s->pending_len + 4, DELETED);
    s->pending_len += RECORD_HEADER_SIZE;
}

/* New records that a transaction could add at most: what can't be indexed must not be written. */
static size_t pending_records(const struct fw_store *s)
{
    size_t n = 0;
    for (size_t at = 0; at < s->pending_len; n++) {
        uint32_t len = read_u32(s->pending + at + 4);
        at += RECORD_HEADER_SIZE + (len == DELETED ? 0 : len);
    }
    return n;
}

static enum fw_store_result commit(struct fw_store *s, enum fw_store_durability durability)
{
    size_t frame = FRAME_HEADER_SIZE + s->pending_len + FW_STORE_CHECK;
    bool broken = s->broken || !s->open;
    s->open = false;
    if (broken || s->count + pending_records(s) > FW_STORE_RECORDS)
        return FW_STORE_NO_SPACE;
    if (s->pending_len == 0)
        return FW_STORE_DONE;
    uint64_t used = s->end - bank_start(s->generation);
    if (used + frame > COMPACT_FLOOR + 2 * live_bytes(s) || used + frame > BANK_SIZE)
        if (!compact(s))
            return FW_STORE_FAILED;
    if (bank_end(s->generation) - s->end < frame)
        return FW_STORE_NO_SPACE;
    uint64_t payload = s->end + FRAME_HEADER_SIZE;
    if (!write_frame(s, s->pending, s->pending_len))
        return FW_STORE_FAILED;
    if (!apply(s, payload, (uint32_t)s->pending_len) || (durability == FW_STORE_SURE && !dev_sync(s)))
        return FW_STORE_FAILED;
    return FW_STORE_DONE;
}

enum fw_store_result fw_store_commit(struct fw_store *s, enum fw_store_durability durability)
{
    enum fw_store_result result = commit(s, durability);
    crypto_wipe(s->pending, s->pending_len); /* PINs and keys were in there */
    s->pending_len = 0;
    return result;
}
