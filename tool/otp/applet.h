// The OATH applet of one card, asked directly: chosen, held in one transaction, selected and unlocked. Only
// public parts of what is on it leave this file, and codes.
#pragma once

#include "card/oath/oath.h"
#include "run.h"

#include <time.h>

struct otp_applet {
    struct tp *tp;
    struct card card;
    struct oath_info info;
    struct secret *access; // the access code as given or asked for; NULL: not needed so far
    bool to_unlock;        // whoever selects the applet again unlocks it again
    char reader[TP_NAME_SIZE];
};

// A credential as the card lists it. raw is the card's id; the rest is read from it.
struct otp_entry {
    uint8_t raw[OATH_NAME_MAX];
    size_t raw_len;
    char issuer[OATH_NAME_MAX + 1], account[OATH_NAME_MAX + 1]; // issuer may be empty
    enum oath_type type;                                        // after otp_read_codes: known where it tells
    enum oath_hash hash;                                        // after otp_read_list only
    uint32_t period;                                            // seconds, TOTP
    enum oath_when when;                                        // after otp_read_codes only
    struct oath_code code;
};

struct otp_list {
    struct otp_entry *entry;
    size_t count;
};

// Rows for the access code's whereabouts: every command of otp takes them.
#define OTP_ACCESS_ROWS                                                                                      \
    {.name = "access-file",                                                                                  \
     .kind = OPTION_TEXT,                                                                                    \
     .at = OPTION_AT(access_file),                                                                           \
     .value = N_("FILE"),                                                                                    \
     .help = N_("read the applet's access code from the first line of FILE (else asked)")},                  \
    {                                                                                                        \
        .name = "access-fd", .kind = OPTION_NUMBER, .at = OPTION_AT(access_fd),                              \
        .given_at = OPTION_AT(access_fd_given), .most = 1023, .value = N_("NUMBER"),                         \
        .help = N_("read the access code from this file descriptor")                                         \
    }

// Finds the card (the one of --token, or that the run has chosen; else the only one with an OATH applet) and
// begins the transaction with its applet selected and, where it has an access code, unlocked. After a fault
// the applet is closed.
enum exit_code otp_open(struct run *run, struct otp_applet *applet);
void otp_close(struct otp_applet *applet);

// The applet selected but not unlocked, for what needs no access code (reset).
enum exit_code otp_open_locked(struct run *run, struct otp_applet *applet);
// What otp_open does beyond it.
enum exit_code otp_unlock(struct run *run, struct otp_applet *applet);

// Before something is destroyed: --yes, or the serial number typed. The card is free for others meanwhile;
// then the applet is selected again.
enum exit_code otp_confirm(struct run *run, struct otp_applet *applet, const char *what);

// The key that an access code stands for on this applet.
enum exit_code otp_access_key(struct run *run, const struct otp_applet *applet, const struct secret *code,
                              uint8_t key[OATH_ACCESS_SIZE]);

extern const struct oath_crypto otp_crypto;

// 1 + n exchanges each. The list is the caller's to free. Codes are those of this moment.
enum exit_code otp_read_list(struct run *run, struct otp_applet *applet, struct otp_list *list);
enum exit_code otp_read_codes(struct run *run, struct otp_applet *applet, time_t now, struct otp_list *list);
void otp_list_free(struct otp_list *list);

// The one that is meant by this word: its whole name, its account or issuer, or a part of its name that no
// other has. EXIT_NOT_FOUND, or EXIT_USAGE when several are meant.
enum exit_code otp_find(struct run *run, const struct otp_list *list, const char *word,
                        const struct otp_entry **out);

// Makes the code of one credential, asking for a touch where it wants one. 0 or 1 exchange: none when
// otp_read_codes has given it.
enum exit_code otp_make_code(struct run *run, struct otp_applet *applet, const struct otp_entry *entry,
                             time_t now, struct oath_code *code);

// "issuer:account".
void otp_name(const struct otp_entry *entry, char *out, size_t size);
// The digits as they are shown; out has at least 9 bytes.
void otp_digits(const struct oath_code *code, char *out, size_t size);
// Splits a card's id into entry->issuer, account and period.
void otp_split(struct otp_entry *entry, enum oath_type type);
// The card's id of these parts. False: it does not fit.
bool otp_join(const char *issuer, const char *account, enum oath_type type, uint32_t period,
              uint8_t raw[OATH_NAME_MAX], size_t *length);

// The fault of an exchange that failed, with the access code's own words where it was about that.
enum exit_code otp_fault(struct run *run, const struct otp_applet *applet, enum err error, const char *what);
