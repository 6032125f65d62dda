/*
 * `wabridge link`: starts the session when it is stopped, shows each code (the QR is redrawn in
 * place when it rotates), and ends with "linked as +… (name)".
 *
 * It looks at the session every half second; the daemon holds no state for us.
 */
#include "cli.h"
#include "tables.h"

#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct linking {
    struct cli *cli;
    struct client *cl;
    struct target t;
    char shown[1024];  /* the code on the screen; "": none yet */
    int lines;         /* of the picture on the screen */
    bool said_linking; /* "scanned…" was printed */
};

static int session_call(struct linking *l, const char *method, const char *rest, const char *accept,
                        const json_t *body, struct answer *a, struct err *e)
{
    char path[320];
    snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s%s", l->t.tenant, l->t.session, rest);
    return client_call(l->cl, method, path, accept, body, a, e);
}

static const char *style_of(const struct cli *c)
{
    if (c->style != NULL) {
        return c->style;
    }
    const char *no_color = getenv("NO_COLOR");
    bool plain = (no_color != NULL && no_color[0] != '\0') || !isatty(STDOUT_FILENO);
    return plain ? "dark" : "ansi";
}

static int write_png(struct linking *l, struct err *e)
{
    struct answer a;
    int r = session_call(l, "GET", "/qr", "image/png", NULL, &a, e);
    if (r == 0) {
        /* a reader must never see half a picture */
        char *tmp = malloc(strlen(l->cli->png) + 5);
        FILE *f = NULL;
        if (tmp != NULL) {
            sprintf(tmp, "%s.new", l->cli->png);
            f = fopen(tmp, "we");
        }
        bool ok = f != NULL && fwrite(a.body, 1, a.len, f) == a.len;
        ok = f != NULL && fclose(f) == 0 && ok;
        if (!ok || rename(tmp, l->cli->png) != 0) {
            r = err_set(e, E_IO, "cannot write %s", l->cli->png);
        }
        free(tmp);
    }
    answer_free(&a);
    return r;
}

static int count_lines(const char *s)
{
    int n = 0;
    for (; *s != '\0'; s++) {
        n += *s == '\n';
    }
    return n;
}

/* A picture that does not fit cannot be scanned, and one cannot see why. Returns the lines printed.
 */
static int warn_if_small(int lines)
{
    struct winsize w;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_row > lines) {
        return 0;
    }
    printf("The code takes %d lines and the terminal has %d: make it larger,\n"
           "or its letters smaller, or use --png FILE.\n",
           lines, w.ws_row);
    return 2;
}

static int draw(struct linking *l, const json_t *code, struct err *e)
{
    struct answer a;
    char rest[64];
    snprintf(rest, sizeof rest, "/qr?style=%s", style_of(l->cli));
    int r = session_call(l, "GET", rest, "text/plain", NULL, &a, e);
    if (r == 0) {
        if (l->lines > 0 && isatty(STDOUT_FILENO)) {
            printf("\033[%dA\033[J", l->lines);
        }
        /* under 80 columns: a line that wraps would spoil the redrawing */
        const char *until = strchr(json_str_or(code, "expires_at", ""), 'T');
        printf("%s\nIn WhatsApp: Linked devices > Link a device (code %lld, until %.8s UTC)\n",
               a.body, (long long)json_int(code, "attempt", 0), until != NULL ? until + 1 : "?");
        l->lines = count_lines(a.body) + 2;
        l->lines += warn_if_small(l->lines);
        fflush(stdout);
    }
    answer_free(&a);
    return r;
}

/* A new code, when there is one. */
static int show_code(struct linking *l, struct err *e)
{
    struct answer a;
    int r = session_call(l, "GET", "/qr", "application/json", NULL, &a, e);
    const char *code = json_str_or(a.json, "code", "");
    if (r == 0 && strcmp(code, l->shown) != 0) {
        snprintf(l->shown, sizeof l->shown, "%s", code);
        if (l->cli->json) {
            json_dumpf(a.json, stdout, JSON_COMPACT);
            putchar('\n');
            fflush(stdout);
        } else {
            r = draw(l, a.json, e);
        }
        if (r == 0 && l->cli->png != NULL) {
            r = write_png(l, e);
        }
    }
    answer_free(&a);
    /* between two codes, or linked this moment: the next look tells */
    return r == E_CONFLICT || r == E_NOTFOUND ? 0 : r;
}

static int show_pairing_code(struct linking *l, struct err *e)
{
    struct answer a;
    json_t *body = json_pack("{s:s}", "phone", l->cli->phone);
    int r = session_call(l, "POST", "/pairing-code", NULL, body, &a, e);
    json_decref(body);
    if (r == 0 && l->cli->json) {
        json_dumpf(a.json, stdout, JSON_COMPACT);
        putchar('\n');
    } else if (r == 0) {
        printf("Pairing code: %s\nWhatsApp > Linked devices > Link with phone number instead\n",
               json_str_or(a.json, "code", "?"));
    }
    fflush(stdout);
    snprintf(l->shown, sizeof l->shown, "pairing");
    answer_free(&a);
    return r;
}

static void say_linked(const struct linking *l, const json_t *session)
{
    const json_t *account = json_obj(session, "account");
    if (l->cli->json) {
        json_dumpf(session, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        printf("linked as +%s (%s)\n", json_str_or(account, "phone", "?"),
               json_str_or(account, "push_name", ""));
    }
}

/* One look at the session. 1: linked, 0: go on, E_*: over. */
static int step(struct linking *l, struct err *e)
{
    struct answer a;
    int r = session_call(l, "GET", "", NULL, NULL, &a, e);
    const char *status = json_str_or(a.json, "status", "");
    if (r != 0) {
        /* e says why */
    } else if (strcmp(status, "ready") == 0) {
        say_linked(l, a.json);
        r = 1;
    } else if (strcmp(status, "unlinked") == 0) {
        if (l->cli->phone == NULL) {
            r = show_code(l, e);
        } else if (l->shown[0] == '\0') {
            r = show_pairing_code(l, e);
        }
    } else if (strcmp(status, "linking") == 0 || strcmp(status, "syncing") == 0) {
        if (!l->said_linking && !l->cli->json) {
            puts("scanned, linking …");
            fflush(stdout);
        }
        l->said_linking = true;
    } else if (strcmp(status, "stopped") == 0 || strcmp(status, "conflict") == 0) {
        r = err_set(e, E_STATE, "%s/%s is %s: %s", l->t.tenant, l->t.session, status,
                    json_str_or(a.json, "status_reason", "no reason given"));
    }
    answer_free(&a);
    return r;
}

/* Two requests at most in this time: well below the 100 a minute that a key may ask by default. */
static const struct timespec POLL = {.tv_sec = 1, .tv_nsec = 400000000};

static int start(struct linking *l, struct err *e)
{
    struct answer a;
    int r = session_call(l, "GET", "", NULL, NULL, &a, e);
    const char *status = json_str_or(a.json, "status", "");
    bool start = strcmp(status, "stopped") == 0 || strcmp(status, "logged_out") == 0 ||
                 strcmp(status, "failed") == 0;
    answer_free(&a);
    if (r == 0 && start) {
        r = session_call(l, "POST", "/start", NULL, NULL, &a, e);
        answer_free(&a);
    }
    return r;
}

int cmd_link(struct cli *c)
{
    struct err e = {0};
    struct linking l = {.cli = c};
    if (c->word_count > 1) {
        return cli_usage("link [TENANT/SESSION]");
    }
    if (c->style != NULL && strcmp(c->style, "ansi") != 0 && strcmp(c->style, "dark") != 0 &&
        strcmp(c->style, "light") != 0) {
        return cli_usage("--style is ansi, dark or light");
    }
    int r = client_open(c, &l.cl, &e);
    if (r == 0) {
        r = target_find(l.cl, c->word_count == 1 ? c->words[0] : NULL, &l.t, &e);
    }
    if (r == 0) {
        r = start(&l, &e);
    }
    while (r == 0) {
        r = step(&l, &e);
        r = r == E_LIMIT ? 0 : r; /* somebody else asks with the same key: a little later */
        if (r == 0) {
            nanosleep(&POLL, NULL);
        }
    }
    client_close(l.cl);
    return r == 1 ? EXIT_OK : cli_fail(&e);
}
