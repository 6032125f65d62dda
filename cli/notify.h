/*
 * What the service manager is told (systemd: sd_notify(3), sd_watchdog_enabled(3)) and what it hands
 * over (sd_listen_fds(3)). Without one nothing happens. Private to cli/. Thread: loop.
 */
#ifndef CLI_NOTIFY_H
#define CLI_NOTIFY_H

#include "err.h"

#include <stdbool.h>
#include <uv.h>

struct notify {
    uv_timer_t watchdog; /* a sign of life at half the time that is asked for */
    bool watching;
};

/* Ready; status: one line for people. Begins the signs of life when they are asked for. */
void notify_ready(struct notify *n, uv_loop_t *loop, const char *status);
/* Stopping: closes the timer. Safe to repeat, and without notify_ready(). */
void notify_stopping(struct notify *n);

/* Sockets that the manager listens on for us: at most one of TCP and one Unix socket, -1 for what is
 * not there. E_INVALID: others, or more. Call it once; the descriptors are the caller's. */
int notify_sockets(int *tcp, int *local, struct err *e);

#endif
