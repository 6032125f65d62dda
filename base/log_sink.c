/*
 * Where lines go. Without log_start() they are written at once, as a short command wants it. A
 * daemon's are put into a bounded queue that a thread of its own writes out: a full disk, a slow
 * pipe or a file system that hangs holds that thread and nobody else. A queue that is full loses
 * lines; how many is written once there is room.
 *
 * The thread opens the file too, at log_reopen(), so that the name given to it by logrotate can be
 * on any disk. A file that cannot be opened again leaves the old one in use.
 */
#include "log_priv.h"

#include "err.h"
#include "mem.h"
#include "metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define FINISH_MS 1000 /* what waits is written at the end, but not for longer */

static struct metric lost_lines = {
    .name = "wabridge_log_lines_lost_total",
    .help = "Log lines that could not be written: the disk is full or the reader too slow.",
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake, idle;
    int fd;
    char *path;  /* NULL: fd is somebody else's */
    char *queue; /* NULL: no thread, lines are written at once */
    size_t from, used;
    uint64_t lost;
    bool reopen, stop, busy;
    pthread_t thread;
} sink = {
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .idle = PTHREAD_COND_INITIALIZER,
    .fd = STDERR_FILENO,
};

void log_sink_fd(int fd)
{
    sink.fd = fd;
}

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

int log_open(const char *path, struct err *e)
{
    char *copy = mem_strdup(path);
    int fd = copy != NULL ? open_file(path) : -1;
    if (fd < 0) {
        int why = errno;
        free(copy);
        return copy == NULL ? err_set(e, E_NOMEM, "out of memory")
                            : err_sys(e, E_IO, why, "cannot open the log file %s ([log] file)", path);
    }
    sink.path = copy;
    sink.fd = fd;
    return 0;
}

/* ---- putting -----------------------------------------------------------------------------------
 */

static bool write_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        } else if (n < 0 && errno == EAGAIN) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            (void)poll(&p, 1, -1);
        } else if (n >= 0 || errno != EINTR) {
            return false;
        }
    }
    return true;
}

static void put(const char *data, size_t len)
{
    size_t at = (sink.from + sink.used) % LOG_QUEUE_BYTES;
    size_t first = len < LOG_QUEUE_BYTES - at ? len : LOG_QUEUE_BYTES - at;
    memcpy(sink.queue + at, data, first);
    memcpy(sink.queue, data + first, len - first);
    sink.used += len;
}

void log_sink_write(const char *line, size_t len)
{
    pthread_mutex_lock(&sink.lock);
    bool direct = sink.queue == NULL;
    int fd = sink.fd;
    if (!direct && len > LOG_QUEUE_BYTES - sink.used) {
        sink.lost++;
        metric_add(&lost_lines, NULL, 1);
    } else if (!direct) {
        put(line, len);
        pthread_cond_signal(&sink.wake);
    }
    pthread_mutex_unlock(&sink.lock);
    if (direct) {
        /* A full disk or a closed pipe must not stop the program: the line is lost. */
        while (write(fd, line, len) < 0 && errno == EINTR) {
        }
    }
}

/* ---- the thread --------------------------------------------------------------------------------
 */

/* As many whole lines as fit into one write; out has LOG_LINE_MAX bytes. */
static size_t take(char *out)
{
    size_t n = 0, whole = 0;
    while (n < sink.used && n < LOG_LINE_MAX) {
        out[n] = sink.queue[(sink.from + n) % LOG_QUEUE_BYTES];
        n++;
        whole = out[n - 1] == '\n' ? n : whole;
    }
    sink.from = (sink.from + whole) % LOG_QUEUE_BYTES;
    sink.used -= whole;
    return whole;
}

static void say_lost(uint64_t n)
{
    log_warn(NULL, "log.lost", "%llu lines were not written: the disk is full or the reader slow",
             (unsigned long long)n);
}

static size_t count_lines(const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += s[i] == '\n';
    }
    return n;
}

static void reopen(void)
{
    int fd = open_file(sink.path); /* the path does not change any more */
    if (fd < 0) {
        log_error(NULL, "log.reopen", "cannot open %s: %s; the old file stays in use", sink.path,
                  strerror(errno));
        return;
    }
    pthread_mutex_lock(&sink.lock);
    int old = sink.fd;
    sink.fd = fd;
    pthread_mutex_unlock(&sink.lock);
    (void)close(old);
    log_info(NULL, "log.reopened", "%s", sink.path);
}

static void *run(void *arg)
{
    (void)arg;
    char lines[LOG_LINE_MAX];
    pthread_mutex_lock(&sink.lock);
    for (;;) {
        while (sink.used == 0 && !sink.stop && !sink.reopen) {
            sink.busy = false;
            pthread_cond_signal(&sink.idle);
            pthread_cond_wait(&sink.wake, &sink.lock);
        }
        if (sink.used == 0 && sink.stop) {
            break;
        }
        sink.busy = true;
        size_t len = take(lines);
        bool again = sink.used == 0 && sink.reopen; /* what was said before belongs to the old file */
        sink.reopen = sink.reopen && !again;
        int fd = sink.fd;
        pthread_mutex_unlock(&sink.lock);
        bool ok = write_all(fd, lines, len);
        if (again) {
            reopen();
        }
        pthread_mutex_lock(&sink.lock);
        if (!ok) {
            size_t n = count_lines(lines, len);
            sink.lost += n;
            metric_add(&lost_lines, NULL, n);
        } else if (len > 0 && sink.lost > 0 && sink.used < LOG_QUEUE_BYTES / 2) {
            uint64_t n = sink.lost;
            sink.lost = 0;
            pthread_mutex_unlock(&sink.lock);
            say_lost(n);
            pthread_mutex_lock(&sink.lock);
        }
    }
    sink.busy = false;
    pthread_cond_signal(&sink.idle);
    pthread_mutex_unlock(&sink.lock);
    return NULL;
}

int log_start(struct err *e)
{
    sigset_t all, before;
    metrics_register(&lost_lines);
    sink.stop = false;
    sink.queue = mem_malloc(LOG_QUEUE_BYTES);
    if (sink.queue == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before); /* signals are the loop's */
    int rc = pthread_create(&sink.thread, NULL, run, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0) {
        free(sink.queue);
        sink.queue = NULL;
        return err_sys(e, E_INTERNAL, rc, "cannot start the thread of the log");
    }
    return 0;
}

void log_reopen(void)
{
    pthread_mutex_lock(&sink.lock);
    if (sink.path != NULL && sink.queue != NULL) {
        sink.reopen = true;
        pthread_cond_signal(&sink.wake);
    }
    pthread_mutex_unlock(&sink.lock);
}

void log_finish(void)
{
    struct timespec until;
    pthread_mutex_lock(&sink.lock);
    if (sink.queue == NULL) {
        pthread_mutex_unlock(&sink.lock);
        return;
    }
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += FINISH_MS / 1000;
    sink.stop = true;
    pthread_cond_signal(&sink.wake);
    int rc = 0;
    while ((sink.used > 0 || sink.busy) && rc == 0) {
        rc = pthread_cond_timedwait(&sink.idle, &sink.lock, &until);
    }
    bool over = sink.used == 0 && !sink.busy;
    pthread_mutex_unlock(&sink.lock);
    if (!over) {
        return; /* it hangs in a write: the end of the process ends it */
    }
    (void)pthread_join(sink.thread, NULL);
    free(sink.queue);
    sink.queue = NULL;
    if (sink.path != NULL) {
        free(sink.path);
        sink.path = NULL;
        (void)close(sink.fd);
        sink.fd = STDERR_FILENO;
    }
}
