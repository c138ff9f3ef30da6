/* What the command line asks for: some tokens, each with its image and its place, and what they share. */
#ifndef FW_OPTIONS_H
#define FW_OPTIONS_H

#include "image.h"

enum { OPTIONS_TOKENS = 64, OPTIONS_FAULTS = FAULT_RULES_MAX };
enum { EXIT_OTHER = 1, EXIT_USAGE = 2 };

/* One token, or count of them: then %d in image, vpcd (the port goes up) and listen stands for 1, 2, 3 ... */
struct option_token {
    struct image_wish wish;
    const char *vpcd_at, *listen_at; /* exactly one of them */
    uint32_t count;
};

struct options {
    struct option_token token[OPTIONS_TOKENS];
    size_t tokens;
    const char *log_path, *control_at, *pid_path;
    const char *fault[OPTIONS_FAULTS];
    size_t faults;
    enum token_finger finger[TOKEN_FINGERS];
    size_t fingers;
    uint64_t seed;
    bool timing, detach, absent;
};

/* Reads the command line. 0: go on; else the exit code, and what is wrong was said. *done: nothing more to
 * do. */
int options_read(struct options *options, int argc, char **argv, bool *done);

/* Reads "yes", "no" and "wait", separated by commas; how many, 0 when it is none of that. */
size_t options_fingers(const char *text, enum token_finger finger[TOKEN_FINGERS]);

/* Says on standard error what is wrong, and gives the code back. */
int options_complain(int code, const char *what, const char *why);

#endif
