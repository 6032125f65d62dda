/*
 * `wabridge dashboard`: a link that signs one person in to the web page, opened when there is a
 * desktop to open it on.
 *
 * The arguments of a process are for every user of the machine to see, so the browser is not given
 * the link but a file that leads to it, in the directory that only this user can look into.
 */
#include "cli.h"
#include "tables.h"

#include "json.h"
#include "mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_set(const char *name)
{
    const char *v = getenv(name);
    return v != NULL && v[0] != '\0';
}

/* Root's browser is nobody's wish: who is root on a desktop opens the link himself. */
static bool may_open(const struct cli *c)
{
    return !c->no_open && !c->json && geteuid() != 0 && isatty(STDOUT_FILENO) &&
           (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")) && is_set("XDG_RUNTIME_DIR");
}

/* A page that goes to the link at once. The url holds nothing that HTML would want escaped: see
 * [server] public_url. Gives its path; NULL: it could not be written. */
static char *write_page(const char *url)
{
    char *path = mem_printf("%s/wabridge-dashboard.html", getenv("XDG_RUNTIME_DIR"));
    if (path == NULL) {
        return NULL;
    }
    (void)unlink(path); /* an older one, with a link that is over */
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
    bool good = f != NULL && fprintf(f,
                                     "<!doctype html><meta charset=utf-8>"
                                     "<meta http-equiv=refresh content=\"0; url=%s\">"
                                     "<title>wabridge</title>\n",
                                     url) > 0;
    if (f == NULL && fd >= 0) {
        (void)close(fd);
    }
    good = f != NULL && fclose(f) == 0 && good;
    if (!good) {
        free(path);
        path = NULL;
    }
    return path;
}

/* In the child. Silent, and away from our terminal. */
static void run_opener(const char *path)
{
    int null = open("/dev/null", O_RDWR);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        (void)dup2(null, fd);
    }
    (void)setsid();
    (void)unsetenv("WABRIDGE_KEY");
    (void)execlp("xdg-open", "xdg-open", path, (char *)NULL);
}

/* Does not wait for its end: some browsers stay in the foreground of their starter. What comes
 * through the pipe is that it did not begin; its end closes by itself when it did. */
static bool open_page(const char *url)
{
    int ends[2];
    char no = 'x';
    char *path = write_page(url);
    if (path == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        free(path);
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        run_opener(path);
        ssize_t n = write(ends[1], &no, 1);
        _exit(n == 1 ? 127 : 126);
    }
    (void)close(ends[1]);
    bool begun = pid > 0 && read(ends[0], &no, 1) == 0;
    (void)close(ends[0]);
    free(path);
    return begun;
}

/* The key that the page gets goes over that network for all to read. */
static bool is_in_the_clear(const char *url)
{
    static const char *const here[] = {"http://localhost:", "http://127.", "http://[::1]:"};
    bool clear = strncmp(url, "http://", 7) == 0;
    for (size_t i = 0; i < sizeof here / sizeof here[0]; i++) {
        clear = clear && strncmp(url, here[i], strlen(here[i])) != 0;
    }
    return clear;
}

static json_t *wishes(const struct cli *c)
{
    json_t *body = json_object();
    if (c->tenant != NULL) {
        (void)json_set_str(body, "tenant", c->tenant);
    }
    if (c->role != NULL) {
        (void)json_set_str(body, "role", c->role);
    }
    return body;
}

static int show(struct cli *c, const json_t *link, struct err *e)
{
    const char *url = json_str(link, "url");
    if (c->json) {
        print_json(link);
        return 0;
    }
    if (url == NULL) {
        return err_set(e, E_UNAVAILABLE,
                       "the daemon listens on its Unix socket only, where no browser can come: set "
                       "[server] listen, or public_url when a proxy leads there");
    }
    printf("%s\n\nThis link signs one person in%s%s%s%s. It works once, within 5 minutes (until %s).\n",
           url, c->tenant != NULL ? " to " : "", c->tenant != NULL ? c->tenant : "",
           c->role != NULL ? " as " : "", c->role != NULL ? c->role : "",
           json_str_or(link, "expires_at", "then"));
    if (is_in_the_clear(url)) {
        puts("Mind that this address is not encrypted: who listens on the way can read the key that\n"
             "you get, and every message. Set [server] tls_cert and tls_key, or a proxy with TLS\n"
             "and [server] public_url.");
    }
    fflush(stdout);
    if (may_open(c)) {
        puts(open_page(url) ? "Opening it in your browser."
                            : "Open it in a browser (there is no xdg-open here).");
    }
    return 0;
}

int cmd_dashboard(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct answer a = {0};
    if (c->word_count > 0) {
        return cli_usage("dashboard [--tenant TENANT] [--role ROLE] [--no-open]");
    }
    json_t *body = wishes(c);
    int r = client_open(c, &cl, &e);
    r = r != 0 ? r : client_call(cl, "POST", "/v1/sign-in-links", NULL, body, &a, &e);
    r = r != 0 ? r : show(c, a.json, &e);
    json_decref(body);
    answer_free(&a);
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
