/*
 * The daemon. Start: store -> cdp -> bridge -> api -> loop. Stop (SIGTERM, SIGINT, SIGHUP) in the
 * opposite order, each step in the callback of the one before; a second signal ends at once.
 *
 * Failure modes at start are one line each: a second daemon on the data directory, another user's
 * directory, a busy port, no Chromium, root with the sandbox, no wa-js.
 */
#include "cli.h"
#include "confine.h"
#include "notify.h"

#include "cdp.h"
#include "clock.h"
#include "mem.h"
#include "store.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#define API_GRACE_MS 3000
#define BRIDGE_GRACE_MS 8000
/* One Ctrl-C may come as two signals: from the terminal to the whole group and, passed on, from a
 * parent (timeout, npm, a supervisor). Within this time they are one. */
#define SAME_SIGNAL_MS 250

struct daemon {
    uv_loop_t loop;
    uv_signal_t term, interrupt, hangup, reopen;
    struct store *store;
    struct cdp *cdp;
    struct bridge *bridge;
    struct api *api;
    struct notify notify;
    bool started;     /* every part is open */
    int early_signal; /* came before that: the parts run the loop while they open */
    bool stopping;
    uint64_t stopping_since; /* loop time of the first signal */
};

/* ---- stop ------------------------------------------------------------------------------------ */

static void on_store_closed(void *arg)
{
    struct daemon *d = arg;
    d->store = NULL;
    uv_close((uv_handle_t *)&d->term, NULL);
    uv_close((uv_handle_t *)&d->interrupt, NULL);
    uv_close((uv_handle_t *)&d->hangup, NULL);
    uv_close((uv_handle_t *)&d->reopen, NULL);
}

static void close_store(struct daemon *d)
{
    if (d->store != NULL) {
        store_close(d->store, on_store_closed, d);
    } else {
        on_store_closed(d);
    }
}

static void on_cdp_closed(void *arg)
{
    struct daemon *d = arg;
    d->cdp = NULL;
    close_store(d);
}

static void on_bridge_closed(void *arg)
{
    struct daemon *d = arg;
    d->bridge = NULL;
    cdp_close(d->cdp, on_cdp_closed, d);
}

static void on_api_closed(void *arg)
{
    struct daemon *d = arg;
    d->api = NULL;
    bridge_close(d->bridge, BRIDGE_GRACE_MS, on_bridge_closed, d);
}

static void begin_stop(struct daemon *d, int signum)
{
    d->stopping = true;
    d->stopping_since = uv_now(&d->loop);
    notify_stopping(&d->notify);
    log_info(NULL, "daemon.stopping", "signal %d: closing sessions; again to end at once", signum);
    api_close(d->api, API_GRACE_MS, on_api_closed, d);
}

static void on_signal(uv_signal_t *h, int signum)
{
    struct daemon *d = h->data;
    if (!d->started && !d->stopping) {
        d->early_signal = signum;
        return;
    }
    if (d->stopping && d->stopping_since != 0 &&
        uv_now(&d->loop) - d->stopping_since < SAME_SIGNAL_MS) {
        return;
    }
    if (d->stopping) {
        log_warn(NULL, "daemon.killed", "second signal: ending at once");
        log_finish();
        _exit(128 + signum);
    }
    begin_stop(d, signum);
}

/* logrotate has moved the file away. */
static void on_reopen(uv_signal_t *h, int signum)
{
    (void)h, (void)signum;
    log_reopen();
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Parents too; the last one 0700. With a browser user of its own it must be able to walk through.
 */
static int make_data_dir(const char *dir, bool passable, struct err *e)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s", dir) >= (int)sizeof path) {
        return err_set(e, E_INVALID, "the data directory's path is too long");
    }
    for (char *p = path + 1;; p++) {
        if (*p != '/' && *p != '\0') {
            continue;
        }
        char c = *p;
        *p = '\0';
        if (mkdir(path, c == '\0' ? 0700 : 0755) != 0 && errno != EEXIST) {
            return err_sys(e, E_IO, errno, "cannot make the data directory %s (--data-dir)", path);
        }
        *p = c;
        if (c == '\0') {
            break;
        }
    }
    struct stat st;
    if (stat(dir, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return err_set(e, E_INVALID, "the data directory %s is not a directory", dir);
    }
    if (st.st_uid != geteuid()) {
        return err_set(e, E_FORBIDDEN,
                       "the data directory %s belongs to user %u, the daemon runs as %u: start it "
                       "as that user or choose another --data-dir",
                       dir, st.st_uid, geteuid());
    }
    if (chmod(dir, passable ? 0711 : 0700) != 0) {
        return err_sys(
            e, E_IO, errno,
            "cannot set the mode of the data directory %s: make it writable or choose another "
            "--data-dir",
            dir);
    }
    return 0;
}

static int check_browser(const struct bridge_config *b, struct err *e)
{
    struct cdp_browser_options o = {
        .executable = b->browser.executable,
        .profile_dir = b->data_dir,
        .user = b->browser.user,
        .sandbox = b->browser.sandbox,
        .transport = b->browser.websocket ? CDP_WEBSOCKET : CDP_PIPE,
        .attach = b->browser.attach,
    };
    return cdp_check(&o, e);
}

/* Texts borrowed from the configuration. */
static struct api_config api_settings(struct cli *c)
{
    const char *listen = config_text(c->config, "server", "listen");
    const char *cert = config_text(c->config, "server", "tls_cert");
    const char *key = config_text(c->config, "server", "tls_key");
    const char *url = config_text(c->config, "server", "public_url");
    struct api_config a = {
        .listen = listen[0] != '\0' ? listen : NULL,
        .socket = config_socket(c->config),
        .tls_cert = cert[0] != '\0' ? cert : NULL,
        .tls_key = key[0] != '\0' ? key : NULL,
        .max_connections = (unsigned)config_number(c->config, "server", "max_connections"),
        .max_per_address = (unsigned)config_number(c->config, "server", "max_per_address"),
        .dashboard = config_bool(c->config, "dashboard", "enabled"),
        .public_url = url[0] != '\0' ? url : NULL,
        .metrics_open = config_bool(c->config, "metrics", "open"),
    };
    config_to_limits(c->config, &a);
    return a;
}

static int confine_to(struct cli *c, const struct api_config *a, const struct bridge_config *b,
                      struct err *e)
{
    struct confine_paths p = {
        .data_dir = b->data_dir,
        .socket = a->socket,
        .log_file = config_text(c->config, "log", "file"),
        .executable = b->browser.executable,
    };
    return confine(config_text(c->config, "security", "confine"), &p, e);
}

static int open_parts(struct daemon *d, struct cli *c, char **new_key, struct err *e)
{
    struct bridge_config b;
    struct api_config a = api_settings(c);
    int tcp, local;
    /* before anything is made: a key must not be born in a start that a typing error ends */
    int r = api_check(&a, e);
    if (r == 0) {
        r = notify_sockets(&tcp, &local, e);
    }
    if (r == 0) {
        r = config_to_bridge(c->config, &b, e);
        b.new_admin_key = c->new_admin_key;
    }
    if (r == 0) {
        r = make_data_dir(b.data_dir, b.browser.user != NULL, e);
    }
    if (r == 0) {
        r = check_browser(&b, e);
    }
    if (r == 0) {
        r = confine_to(c, &a, &b, e);
    }
    if (r != 0) {
        return r;
    }
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%s/store", b.data_dir) >= (int)sizeof dir) {
        return err_set(e, E_INVALID, "the data directory's path is too long");
    }
    struct store_options so = {
        .dir = dir,
        .map_size = config_number(c->config, "store", "map_gib") << 30,
        .loop = &d->loop,
    };
    r = master_key_source(c, &so, e);
    if (r == 0) {
        r = store_open(&so, &d->store, e);
    }
    if (r == 0) {
        r = cdp_create(&d->loop, &d->cdp, e);
    }
    if (r == 0) {
        r = bridge_create(&d->loop, d->store, d->cdp, &b, &d->bridge, new_key, e);
    }
    if (r == 0) {
        a = api_settings(c);
        a.listen_fd = tcp > 0 ? tcp : 0; /* what the service manager listens on goes first */
        a.socket_fd = local > 0 ? local : 0;
        r = api_create(&d->loop, d->bridge, &a, &d->api, e);
    }
    return r;
}

static int watch_signals(struct daemon *d, struct err *e)
{
    int r = uv_signal_init(&d->loop, &d->term);
    if (r == 0) {
        r = uv_signal_init(&d->loop, &d->interrupt);
    }
    if (r == 0) {
        r = uv_signal_init(&d->loop, &d->hangup);
    }
    if (r == 0) {
        r = uv_signal_init(&d->loop, &d->reopen);
    }
    d->term.data = d->interrupt.data = d->hangup.data = d;
    if (r == 0) {
        r = uv_signal_start(&d->term, on_signal, SIGTERM);
    }
    if (r == 0) {
        r = uv_signal_start(&d->interrupt, on_signal, SIGINT);
    }
    if (r == 0) {
        r = uv_signal_start(&d->reopen, on_reopen, SIGUSR1);
    }
    /* the terminal was closed: an orderly end too, unless nohup said to go on */
    struct sigaction hup;
    if (r == 0 && sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN) {
        r = uv_signal_start(&d->hangup, on_signal, SIGHUP);
    }
    return r == 0 ? 0 : err_sys(e, E_INTERNAL, -r, "cannot watch signals");
}

/* A part of the start failed: what is open is closed in order so that nothing is left behind. */
static void close_parts(struct daemon *d)
{
    d->stopping = true;
    if (d->bridge != NULL) {
        bridge_close(d->bridge, 0, on_bridge_closed, d);
    } else if (d->cdp != NULL) {
        cdp_close(d->cdp, on_cdp_closed, d);
    } else {
        close_store(d);
    }
}

static int start_logging(struct cli *c, struct err *e)
{
    const char *file = config_text(c->config, "log", "file");
    const char *format = config_text(c->config, "log", "format");
    int fd = file[0] == '\0' ? STDERR_FILENO : -1; /* log_open() has another */
    bool text = strcmp(format, "text") == 0 || (strcmp(format, "auto") == 0 && isatty(fd) == 1);
    log_init(text ? LOG_TEXT : LOG_JSON,
             (enum log_level)log_level_parse(config_text(c->config, "log", "level")), fd);
    int r = file[0] != '\0' ? log_open(file, e) : 0;
    return r == 0 ? log_start(e) : r;
}

/* For people and scripts alike: where to connect, and with which key when one was just made. */
static void greet(struct cli *c, struct daemon *d, const char *new_key)
{
    char listen[160] = "no TCP";
    if (api_port(d->api) != 0) {
        const char *text = config_text(c->config, "server", "listen");
        const char *colon = strrchr(text, ':');
        int host = colon != NULL ? (int)(colon - text) : (int)strlen(text);
        bool tls = config_text(c->config, "server", "tls_cert")[0] != '\0';
        snprintf(listen, sizeof listen, "http%s://%.*s:%u", tls ? "s" : "", host, text,
                 api_port(d->api));
    }
    if (new_key != NULL) {
        /* ready to be pasted: this program, and the directory unless the next command finds it */
        const char *set = config_text(c->config, "server", "data_dir");
        const char *dir = config_data_dir(c->config); /* once: the next call frees it */
        char where[PATH_MAX + 32] = "";
        if (set[0] != '\0') {
            snprintf(where, sizeof where, " --data-dir '%s'", dir);
        }
        fprintf(stdout,
                "Admin key (shown once, also in %s/admin.key):\n\n    %s\n\n"
                "Link an account with: %s link%s\n",
                dir, new_key, program_invocation_name, where);
        if (config_bool(c->config, "dashboard", "enabled")) {
            fprintf(stdout, "or in a browser:      %s dashboard%s\n", program_invocation_name,
                    where);
        }
        fflush(stdout);
    }
    log_info(NULL, "daemon.ready", "%s, %s", listen, config_socket(c->config));
    notify_ready(&d->notify, &d->loop, listen);
}

int cmd_serve(struct cli *c)
{
    if (c->word_count > 0) {
        return cli_usage("serve takes flags only");
    }
    struct daemon *d = mem_calloc(1, sizeof *d);
    if (d == NULL) {
        return EXIT_NO;
    }
    struct err e = {0};
    char *new_key = NULL;
    umask(077);
    confine_memory();
    signal(SIGPIPE, SIG_IGN);
    if (start_logging(c, &e) != 0) {
        free(d);
        return cli_fail(&e);
    }
    if (uv_loop_init(&d->loop) != 0) {
        free(d);
        fputs("wabridge: the system gives no event loop (too many open files?)\n", stderr);
        return EXIT_NO;
    }
    int r = watch_signals(d, &e);
    if (r == 0) {
        r = open_parts(d, c, &new_key, &e);
    }
    int code = EXIT_OK;
    if (r == 0) {
        d->started = true;
        greet(c, d, new_key);
        if (d->early_signal != 0) {
            begin_stop(d, d->early_signal);
        } else {
            bridge_start(d->bridge);
        }
    } else {
        code = cli_fail(&e);
        close_parts(d);
    }
    if (new_key != NULL) {
        mem_wipe_free(new_key, strlen(new_key));
    }
    uv_run(&d->loop, UV_RUN_DEFAULT);
    if (code == EXIT_OK) {
        log_info(NULL, "daemon.stopped", "everything closed");
    }
    uv_loop_close(&d->loop);
    log_finish();
    free(d);
    return code;
}

/* What a start would refuse, without opening anything. A Chromium or wa-js that is missing and that
 * no setting names is not a wrong setting: doctor tells of it. */
static int check_settings(struct cli *c, struct err *e)
{
    struct bridge_config b;
    struct store_options so = {0};
    struct api_config a = api_settings(c);
    int r = api_check(&a, e);
    if (r == 0) {
        r = config_to_bridge(c->config, &b, e);
        if (r == E_NOTFOUND && !b.page.wa_js_fixed) {
            err_clear(e);
            r = 0;
        }
    }
    if (r == 0 && (b.browser.executable != NULL || b.browser.attach != NULL)) {
        r = check_browser(&b, e);
    }
    return r == 0 ? master_key_source(c, &so, e) : r;
}

int cmd_config(struct cli *c)
{
    if (c->word_count == 1 && strcmp(c->words[0], "man") == 0) { /* for the package */
        config_man(stdout);
        return EXIT_OK;
    }
    if (c->word_count != 1 || strcmp(c->words[0], "check") != 0) {
        return cli_usage("config check");
    }
    struct err e = {0};
    if (check_settings(c, &e) != 0) {
        return cli_fail(&e);
    }
    if (c->json) {
        json_t *j = config_json(c->config);
        json_dumpf(j, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(j);
    } else {
        printf("; configuration file: %s\n", c->config_file[0] != '\0' ? c->config_file : "none");
        config_print(c->config, stdout);
    }
    return EXIT_OK;
}
