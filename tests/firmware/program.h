/* A running ingam-sim and its sockets, for the tests of the program. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

enum { PATIENCE_MS = 60000, MESSAGE = 70004 };

extern const char *program;        /* path of ingam-sim */
extern char program_directory[40]; /* a template for mkdtemp, then the directory */

struct sim {
    pid_t pid;
    FILE *out;
    char place[128], control[128];
};

struct client {
    int fd;
    char type;
    size_t len;
    uint8_t payload[MESSAGE];
};

/* A path in the directory; good until the fourth call after this one. */
const char *in_directory(const char *name);

/* Starts it with an image and further arguments, a list that ends with NULL, and waits until it is ready. */
void start(struct sim *sim, const char *image, const char *const *more);
/* Ends it; it has to end well. */
void stop(struct sim *sim);
/* What it answers to a control command: "ok\n", "error ...". */
const char *control(const struct sim *sim, const char *command);

void enter(struct client *c, const struct sim *sim);
void ask(struct client *c, char type, const void *payload, size_t len);
void ask_command(struct client *c, const char *hex);
void receive(struct client *c);
/* Asks, receives, and expects that type of answer. */
void request(struct client *c, char type, const void *payload, size_t len, char expected);
/* The status word of a command. */
unsigned command(struct client *c, const char *hex);
bool ready_within(int fd, int ms);

#endif
