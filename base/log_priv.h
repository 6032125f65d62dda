/* What the files of the log share: log.c makes lines, log_ring.c remembers them, log_sink.c writes
 * them. Thread: any. */
#ifndef BASE_LOG_PRIV_H
#define BASE_LOG_PRIV_H

#include "log.h"

#include <stdbool.h>

#define LOG_LINE_MAX 4096 /* PIPE_BUF, so that lines of several processes on a pipe do not mix */

/* Whether a line of this level and origin is wanted. */
bool log_wanted(enum log_level level, const struct log_ctx *ctx);

/* line: whole, with its newline. */
void log_sink_fd(int fd);
void log_sink_write(const char *line, size_t len);

/* text: without colours and newline. */
void log_remember(const struct log_ctx *ctx, const char *text, size_t len);

#endif
