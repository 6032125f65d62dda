/*
 * The watchdog's sign of life comes from a timer on the loop: a loop that hangs gives none, and the
 * manager restarts the daemon.
 */
#include "notify.h"

#include <string.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    (void)sd_notify(0, "WATCHDOG=1");
}

void notify_ready(struct notify *n, uv_loop_t *loop, const char *status)
{
    uint64_t usec = 0;
    (void)sd_notifyf(0, "READY=1\nSTATUS=%s", status);
    if (sd_watchdog_enabled(0, &usec) > 0 && uv_timer_init(loop, &n->watchdog) == 0) {
        uint64_t ms = usec / 2000 > 0 ? usec / 2000 : 1;
        n->watching = true;
        uv_timer_start(&n->watchdog, on_watchdog, 0, ms);
        uv_unref((uv_handle_t *)&n->watchdog);
    }
}

void notify_stopping(struct notify *n)
{
    (void)sd_notify(0, "STOPPING=1\nSTATUS=closing the sessions");
    if (n->watching) {
        n->watching = false;
        uv_close((uv_handle_t *)&n->watchdog, NULL);
    }
}

int notify_sockets(int *tcp, int *local, struct err *e)
{
    *tcp = *local = -1;
    int count = sd_listen_fds(1);
    for (int fd = SD_LISTEN_FDS_START; fd < SD_LISTEN_FDS_START + count; fd++) {
        bool unix_socket = sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0;
        bool inet = sd_is_socket_inet(fd, AF_UNSPEC, SOCK_STREAM, 1, 0) > 0;
        int *place = unix_socket ? local : tcp;
        if ((!unix_socket && !inet) || *place >= 0) {
            return err_set(e, E_INVALID,
                           "the service manager hands over a socket that has no use here: one "
                           "stream socket of TCP and one Unix socket at most");
        }
        *place = fd;
    }
    return 0;
}
