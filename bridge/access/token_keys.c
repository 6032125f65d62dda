/*
 * The keys that tokens are checked with: a shared secret from a file, a JWK set from a file or a
 * url; kept fresh without stopping the loop.
 *
 *   timer (5 s) ─► files changed? read and parse them on the pool ─────────────► swap
 *              └─► url due? fetch (deadline, bound, no redirect) ─► parse on the pool ─► swap
 *   unknown kid ─► the same fetch, at most each refetch_s
 *
 * Failure modes: the file is gone or half written, the provider is down or answers nonsense: the
 * last good keys stay, a warning says so, and the next round tries again. A key that the provider
 * took out of its set is gone here with the next good answer.
 */
#include "token.h"

#include "access.h"
#include "buf.h"
#include "clock.h"
#include "http_loop.h"
#include "http_rules.h"
#include "log.h"
#include "mem.h"
#include "url_guard.h"
#include "work.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define TICK_MS 5000
#define RETRY_MS 30000 /* after a fetch that failed */
#define FETCH_MS 10000
#define CONNECT_MS 5000

/* Is a file another one than before? */
struct stamp {
    ino_t ino;
    off_t size;
    struct timespec changed;
};

/* A job for the pool; it touches nothing else. */
struct refresh {
    struct work work; /* first */
    struct tokens *k;
    const char *secret_file, *jwks_file; /* NULL: none */
    struct stamp secret_stamp, jwks_stamp;
    struct buf body; /* what was fetched, or empty */
    struct token_key secret;
    struct token_keyset set;
    bool has_secret, has_set;
    struct err err;
};

struct tokens {
    struct bridge *b;
    struct token_rules rules;
    struct token_keyset set;
    struct token_key secret; /* len 0: none */
    struct refresh refresh;
    bool refreshing, fetching, answered; /* answered: the url gave a good set once */
    uv_timer_t timer;
    struct http_loop *http; /* NULL: no url */
    struct http_transfer transfer;
    struct http_rules http_rules;
    uint64_t fetched_ms, due_ms; /* monotonic: last begun, next */
    unsigned open;               /* parts that still have to close */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* ---- files (pool, or before the loop runs) -----------------------------------------------------
 */

/* 0 with *fresh saying whether there is something new in out. */
static int read_file(const char *path, size_t max, struct stamp *stamp, struct buf *out,
                     bool *fresh, struct err *e)
{
    struct stat st;
    *fresh = false;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        int sys = fd < 0 ? errno : EINVAL;
        if (fd >= 0) {
            (void)close(fd);
        }
        return err_sys(e, E_IO, sys, "cannot read %.150s", path);
    }
    struct stamp now = {st.st_ino, st.st_size, st.st_mtim};
    if (now.ino == stamp->ino && now.size == stamp->size &&
        now.changed.tv_sec == stamp->changed.tv_sec &&
        now.changed.tv_nsec == stamp->changed.tv_nsec) {
        (void)close(fd);
        return 0;
    }
    int rc = 0;
    char piece[4096];
    ssize_t n = 0;
    while (rc == 0 && (n = read(fd, piece, sizeof(piece))) > 0) {
        rc = out->len + (size_t)n > max ? err_set(e, E_TOOLARGE, "%.150s is too long", path)
                                        : buf_append(out, piece, (size_t)n);
    }
    if (rc == 0 && n < 0) {
        rc = err_sys(e, E_IO, errno, "cannot read %.150s", path);
    }
    (void)close(fd);
    crypto_wipe(piece, sizeof(piece));
    if (rc == 0) {
        *stamp = now;
        *fresh = true;
    }
    return rc;
}

static int read_secret(struct refresh *r)
{
    struct buf text;
    bool fresh = false;
    buf_init(&text, TOKEN_MAX_SECRET + 4096);
    int rc =
        read_file(r->secret_file, TOKEN_MAX_SECRET + 2, &r->secret_stamp, &text, &fresh, &r->err);
    size_t len = text.len;
    while (len > 0 && (text.data[len - 1] == '\n' || text.data[len - 1] == '\r')) {
        len--;
    }
    if (rc == 0 && fresh && (len < TOKEN_MIN_SECRET || len > TOKEN_MAX_SECRET)) {
        rc = err_set(&r->err, E_INVALID, "the secret in %.120s must have %d to %d bytes",
                     r->secret_file, TOKEN_MIN_SECRET, TOKEN_MAX_SECRET);
    } else if (rc == 0 && fresh) {
        r->secret = (struct token_key){.alg = TOKEN_HS256, .text = mem_calloc(1, len + 1)};
        r->has_secret = r->secret.text != NULL;
        if (r->has_secret) {
            memcpy(r->secret.text, text.data, len);
            r->secret.len = len;
        }
    }
    if (text.data != NULL) {
        crypto_wipe(text.data, text.len);
    }
    buf_finish(&text);
    return rc;
}

static int read_set(struct refresh *r)
{
    bool fresh = r->body.len > 0;
    int rc = r->jwks_file == NULL ? 0
                                  : read_file(r->jwks_file, TOKEN_MAX_JWKS, &r->jwks_stamp,
                                              &r->body, &fresh, &r->err);
    if (rc != 0 || !fresh) {
        return rc;
    }
    rc = jwks_read(r->body.data != NULL ? r->body.data : "", r->body.len, &r->set, &r->err);
    r->has_set = rc == 0;
    return rc;
}

static void on_refresh(struct work *w)
{
    struct refresh *r = (struct refresh *)w;
    err_clear(&r->err);
    int rc = r->secret_file != NULL ? read_secret(r) : 0;
    if (rc == 0) {
        (void)read_set(r);
    }
}

/* ---- swap --------------------------------------------------------------------------------------
 */

static void part_closed(struct tokens *k)
{
    if (--k->open > 0) {
        return;
    }
    void (*on_closed)(void *) = k->on_closed;
    void *arg = k->closed_arg;
    token_keyset_finish(&k->set);
    mem_wipe_free(k->secret.text, k->secret.len);
    buf_finish(&k->refresh.body);
    free(k);
    on_closed(arg);
}

static void take(struct tokens *k)
{
    struct refresh *r = &k->refresh;
    if (r->has_set) {
        token_keyset_finish(&k->set);
        k->set = r->set;
        k->answered = true;
        log_info(NULL, "jwt.keys", "%zu keys of the identity provider are in use", k->set.n);
    }
    if (r->has_secret) {
        mem_wipe_free(k->secret.text, k->secret.len);
        k->secret = r->secret;
        log_info(NULL, "jwt.keys", "the secret that tokens are checked with was read");
    }
    if (r->err.code != 0) {
        log_warn(NULL, "jwt.keys_failed", "the keys stay as they were: %s", r->err.msg);
    }
    memset(&r->set, 0, sizeof(r->set));
    memset(&r->secret, 0, sizeof(r->secret));
    r->has_set = r->has_secret = false;
    buf_reset(&r->body);
}

static void on_refreshed(struct work *w, int rc)
{
    struct tokens *k = ((struct refresh *)w)->k;
    k->refreshing = false;
    if (rc == 0) {
        bool failed = k->refresh.err.code != 0;
        take(k);
        if (failed && k->http != NULL) {
            k->due_ms = clock_mono_ms() + RETRY_MS;
        }
    }
    if (k->on_closed != NULL) {
        part_closed(k);
    }
}

static bool refresh(struct tokens *k)
{
    if (k->refreshing || k->on_closed != NULL ||
        work_submit(k->b->loop, &k->refresh.work, on_refresh, on_refreshed) != 0) {
        return false; /* the next tick tries again */
    }
    k->refreshing = true;
    return true;
}

/* ---- the url -----------------------------------------------------------------------------------
 */

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
    struct tokens *k = arg;
    return buf_append(&k->refresh.body, data, size * n) == 0 ? size * n : 0;
}

static void on_fetched(struct http_transfer *t, CURLcode code)
{
    struct tokens *k = (struct tokens *)((char *)t - offsetof(struct tokens, transfer));
    long status = 0;
    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_cleanup(t->easy);
    t->easy = NULL;
    k->fetching = false;
    uint64_t now = clock_mono_ms();
    if (code == CURLE_OK && status == 200 && k->refresh.body.len > 0 && refresh(k)) {
        k->due_ms = now + k->b->cfg.jwt.cache_ms;
        return;
    }
    const char *why = k->http_rules.forbidden
                          ? "its address is private or local ([jwt] allow_private)"
                      : code != CURLE_OK && k->http_rules.why[0] != '\0' ? k->http_rules.why
                      : code != CURLE_OK                                 ? curl_easy_strerror(code)
                                                                         : "no usable answer";
    log_warn(NULL, "jwt.keys_failed",
             "the keys of the identity provider could not be fetched (HTTP %ld): %s", status, why);
    buf_reset(&k->refresh.body);
    k->due_ms = now + (k->b->cfg.jwt.cache_ms < RETRY_MS ? k->b->cfg.jwt.cache_ms : RETRY_MS);
}

static void fetch(struct tokens *k)
{
    if (k->fetching || k->refreshing || k->http == NULL || k->on_closed != NULL) {
        return;
    }
    CURL *c = curl_easy_init();
    struct err e;
    k->fetched_ms = clock_mono_ms();
    k->due_ms = k->fetched_ms + RETRY_MS;
    if (c == NULL) {
        return;
    }
    k->transfer = (struct http_transfer){.easy = c, .done = on_fetched};
    k->http_rules = (struct http_rules){.allow_private = k->b->cfg.jwt.allow_private};
    buf_reset(&k->refresh.body);
    http_rules_apply(c, &k->http_rules, FETCH_MS, CONNECT_MS);
    (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, k);
    if (curl_easy_setopt(c, CURLOPT_URL, k->b->cfg.jwt.jwks_url) != CURLE_OK ||
        http_loop_add(k->http, &k->transfer, &e) != 0) {
        curl_easy_cleanup(c);
        k->transfer.easy = NULL;
        return;
    }
    k->fetching = true;
}

static void on_tick(uv_timer_t *t)
{
    struct tokens *k = t->data;
    if (k->http != NULL && clock_mono_ms() >= k->due_ms) {
        fetch(k);
    }
    if (!k->fetching && (k->refresh.secret_file != NULL || k->refresh.jwks_file != NULL)) {
        (void)refresh(k);
    }
}

/* ---- a request ---------------------------------------------------------------------------------
 */

int tokens_authenticate(struct tokens *k, const char *token, struct bridge_principal *out,
                        struct err *e)
{
    struct err why;
    struct token_keyset all = k->set; /* borrows what the entries point to */
    if (k->secret.len > 0) {
        all.key[all.n++] = k->secret;
    }
    err_clear(&why);
    int rc = token_check(token, &k->rules, &all, clock_wall_ms(), out, &why);
    bool unknown = rc == E_AUTH && strcmp(err_word_of(&why), "unknown_signing_key") == 0;
    if (unknown && k->http != NULL) {
        uint64_t since = clock_mono_ms() - k->fetched_ms;
        if (since >= k->b->cfg.jwt.refetch_ms) {
            fetch(k);
        }
        if (k->fetching || k->refreshing || !k->answered) {
            rc = err_word(&why, E_UNAVAILABLE, "signing_keys_pending",
                          "the keys of the identity provider are being fetched; try again soon");
        }
    }
    if (rc == 0 && tenant_exists(k->b, out->tenant, NULL) != 0) {
        rc = err_set(&why, E_FORBIDDEN, "the token names a tenant that is not here");
    }
    err_copy(e, &why);
    return rc;
}

/* ---- life --------------------------------------------------------------------------------------
 */

static int check_config(const struct bridge_config *c, struct token_rules *rules, struct err *e)
{
    struct url_target target = {0};
    int rc = token_algorithms(c->jwt.algorithms, &rules->algorithms, e);
    if (rc != 0) {
        return err_wrap(e, "[jwt] algorithms");
    }
    if (c->jwt.audience == NULL) {
        return err_set(e, E_INVALID, "[jwt] audience is needed: tokens for others are refused");
    }
    bool public_keys = (rules->algorithms & (TOKEN_RS256 | TOKEN_ES256)) != 0;
    if (((rules->algorithms & TOKEN_HS256) != 0) != (c->jwt.secret_file != NULL)) {
        return err_set(e, E_INVALID, "[jwt] secret_file and the algorithm HS256 go together");
    }
    if (c->jwt.jwks_file != NULL && c->jwt.jwks_url != NULL) {
        return err_set(e, E_INVALID, "[jwt] jwks_file or jwks_url, not both");
    }
    if (public_keys != (c->jwt.jwks_file != NULL || c->jwt.jwks_url != NULL)) {
        return err_set(e, E_INVALID,
                       "[jwt] RS256 and ES256 go together with a jwks_file or jwks_url");
    }
    if (c->jwt.jwks_url != NULL) {
        rc = url_guard(c->jwt.jwks_url, c->jwt.allow_private, &target, e);
        url_target_finish(&target);
        if (rc == 0 && !c->jwt.allow_private && strncasecmp(c->jwt.jwks_url, "https:", 6) != 0) {
            rc = err_set(e, E_INVALID, "must be https: whoever can change the answer on its way "
                                       "could sign tokens");
        }
    }
    return rc == 0 ? 0 : err_wrap(e, "[jwt] jwks_url");
}

int bridge_jwt_check(const struct bridge_config *c, struct err *e)
{
    struct token_rules rules;
    return c->jwt.issuer != NULL ? check_config(c, &rules, e) : 0;
}

static void discard(struct tokens *k)
{
    token_keyset_finish(&k->set);
    mem_wipe_free(k->secret.text, k->secret.len);
    buf_finish(&k->refresh.body);
    free(k);
}

int tokens_create(struct bridge *b, struct tokens **out, struct err *e)
{
    const struct bridge_config *c = &b->cfg;
    *out = NULL;
    if (c->jwt.issuer == NULL) {
        return 0;
    }
    struct tokens *k = mem_calloc(1, sizeof(*k));
    if (k == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    k->b = b;
    k->rules = (struct token_rules){.issuer = c->jwt.issuer,
                                    .audience = c->jwt.audience,
                                    .tenant_claim = c->jwt.tenant_claim,
                                    .role_claim = c->jwt.role_claim,
                                    .sessions_claim = c->jwt.sessions_claim,
                                    .leeway_ms = c->jwt.leeway_ms};
    k->refresh.k = k;
    k->refresh.secret_file = c->jwt.secret_file;
    k->refresh.jwks_file = c->jwt.jwks_file;
    buf_init(&k->refresh.body, TOKEN_MAX_JWKS);
    int rc = check_config(c, &k->rules, e);
    if (rc == 0) {
        on_refresh(&k->refresh.work);
        struct err why = k->refresh.err;
        err_clear(&k->refresh.err);
        take(k);
        rc = why.code;
        err_copy(e, &why);
    }
    if (rc == 0 && c->jwt.jwks_url != NULL) {
        rc = http_loop_create(b->loop, 1, 1, &k->http, e);
    }
    if (rc != 0) {
        discard(k);
        return rc;
    }
    (void)uv_timer_init(b->loop, &k->timer);
    k->timer.data = k;
    *out = k;
    return 0;
}

void tokens_start(struct tokens *k)
{
    if (k != NULL) {
        fetch(k);
        (void)uv_timer_start(&k->timer, on_tick, TICK_MS, TICK_MS);
    }
}

static void on_timer_closed(uv_handle_t *h)
{
    part_closed(h->data);
}

static void on_http_closed(void *arg)
{
    part_closed(arg);
}

void tokens_close(struct tokens *k, void (*on_closed)(void *arg), void *arg)
{
    k->on_closed = on_closed;
    k->closed_arg = arg;
    k->open = 1u + (k->refreshing ? 1u : 0u) + (k->http != NULL ? 1u : 0u);
    if (k->fetching) {
        http_loop_cancel(k->http, &k->transfer);
        curl_easy_cleanup(k->transfer.easy);
        k->fetching = false;
    }
    if (k->refreshing) {
        (void)work_cancel(&k->refresh.work);
    }
    if (k->http != NULL) {
        http_loop_close(k->http, on_http_closed, k);
    }
    uv_close((uv_handle_t *)&k->timer, on_timer_closed);
}
