/* Traces for whoever has to find out what happened; values that could be secret never come here. */
#pragma once
#include "card/base/trace.h"
#include "core/settings.h"

enum log_area { LOG_CALL = 1, LOG_APDU = 2, LOG_PIN = 4, LOG_READER = 8, LOG_OBJECT = 16, LOG_ALL = 31 };

/* "call,apdu": a bit set; NULL or empty: all. */
unsigned log_areas(const char *words);
void log_open(const struct settings *s);
void log_close(void);
bool log_wants(enum log_area area);
/* One line with the time, process and area before it. */
void log_line(enum log_area area, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* For card_open. */
struct trace log_trace(void);
