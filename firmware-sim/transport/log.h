/* The log: JSON Lines, one a command and one a response; bodies only where the instruction's row calls them
 * public. */
#ifndef FW_LOG_H
#define FW_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log;
struct token;

/* Appends to a file; NULL and errno when that can't be. */
struct log *log_open(const char *path);
void log_close(struct log *log);

/* All of these do nothing without a log. */
void log_command(struct log *log, const struct token *token, const uint8_t *command, size_t len);
void log_response(struct log *log, const struct token *token, const uint8_t *answer, size_t len, uint64_t us);
void log_event(struct log *log, const struct token *token, const char *event);

#endif
