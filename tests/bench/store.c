/*
 * A store of many messages (1,000,000 unless told otherwise), without browsers: how long a page of
 * a chat's history, the recent chats and a search take, and how long the search index takes to be
 * made. Prints one JSON object. Usage: bench_store DIRECTORY [MESSAGES]
 */
#include "../../cdp/cdp.h" /* by path: neither this nor the store is on the include path */
#include "chat_row.h"
#include "clock.h"
#include "core_priv.h"
#include "json.h"
#include "log.h"
#include "mem.h"
#include "message_object.h"
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define CHATS 2000
#define WORDS 20000
#define STEP 2000
#define RUNS 200
#define FIRST_MS UINT64_C(1700000000000)

struct bench {
    uv_loop_t loop;
    struct store *store;
    struct cdp *cdp;
    struct bridge *b;
    uint64_t total, written;
    uint64_t random;
    uint64_t worst_ns, turn_ns; /* of a turn of the loop */
    bool closed;
    json_t *answer;
    bool answered;
};

static void check(int rc, const struct err *e, const char *what)
{
    if (rc != 0) {
        (void)fprintf(stderr, "%s: %s (%s)\n", what, e != NULL ? e->msg : "", err_name(rc));
        exit(1);
    }
}

static uint64_t next(struct bench *x)
{
    x->random ^= x->random << 13;
    x->random ^= x->random >> 7;
    x->random ^= x->random << 17;
    return x->random;
}

/* Few words are common, most are rare, as in any language. */
static void word(struct bench *x, char out[16])
{
    uint64_t a = next(x) % WORDS, b = next(x) % WORDS, c = next(x) % WORDS;
    uint64_t n = a * b / WORDS * c / WORDS;
    static const char *const parts[] = {"ba", "ke", "li", "mo", "nu", "pa", "re", "si", "to", "zu"};
    size_t used = 0;
    do {
        used += (size_t)snprintf(out + used, 16 - used, "%s", parts[n % 10]);
        n /= 10;
    } while (n > 0);
}

static void sentence(struct bench *x, char out[256])
{
    size_t words = 3 + next(x) % 14, used = 0;
    for (size_t i = 0; i < words; i++) {
        char w[16];
        word(x, w);
        used += (size_t)snprintf(out + used, 256 - used, "%s%s", i > 0 ? " " : "", w);
    }
}

/* ---- filling -----------------------------------------------------------------------------------
 */

static int put(struct store_txn *t, struct bench *x, uint64_t n)
{
    char chat[32], phone[24], id[32], text[256];
    struct message_owner o;
    struct buf b;
    uint64_t who = next(x) % CHATS;
    message_owner_set(&o, "default", "main");
    (void)snprintf(phone, sizeof(phone), "55119%08" PRIu64, who);
    (void)snprintf(chat, sizeof(chat), "%s@c.us", phone);
    (void)snprintf(id, sizeof(id), "3EB0%016" PRIX64, n);
    sentence(x, text);
    const struct channel_peer peer = {.id = chat, .phone = phone, .lid = "", .name = "Somebody"};
    const struct message_draft d = {
        .id = id,
        .session = "main",
        .kind = CHAT_USER,
        .chat = peer,
        .from = peer,
        .type = "text",
        .text = text,
        .text_len = strlen(text),
        .time_ms = FIRST_MS + n * 1000,
        .received_ms = FIRST_MS + n * 1000,
    };
    const struct chat_touch touch = {.kind = CHAT_USER,
                                     .chat = peer,
                                     .id = id,
                                     .type = "text",
                                     .text = text,
                                     .text_len = strlen(text),
                                     .time_ms = d.time_ms,
                                     .unread = 1};
    buf_init(&b, STORE_MAX_VALUE);
    int rc = message_write(&b, &d);
    rc = rc != 0
             ? rc
             : store_message_put(t, "default", "main", chat, id, d.time_ms, b.data, b.len, NULL);
    buf_finish(&b);
    return rc != 0 ? rc : chat_touch(t, &o, &touch);
}

static int apply_fill(struct store_txn *t, struct store_op *op)
{
    struct bench *x = op->data;
    const uint64_t random = x->random; /* an apply may run twice */
    int rc = 0;
    for (uint64_t i = 0; i < STEP && rc == 0; i++) {
        rc = put(t, x, x->written + i);
    }
    x->random = rc == 0 ? x->random : random;
    return rc;
}

static void on_filled(struct store_op *op, int rc)
{
    struct bench *x = op->data;
    check(rc, &op->err, "filling");
    x->written += STEP;
    if (x->written < x->total) {
        store_submit(x->store, op, apply_fill, on_filled);
    }
}

/* ---- measuring ---------------------------------------------------------------------------------
 */

static int by_size(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

struct series {
    uint64_t us[RUNS];
    size_t n;
};

static void add_row(json_t *out, const char *name, struct series *s)
{
    qsort(s->us, s->n, sizeof(s->us[0]), by_size);
    (void)json_object_set_new(out, name,
                              json_pack("{s:f, s:f}", "median_ms", (double)s->us[s->n / 2] / 1000.0,
                                        "p95_ms", (double)s->us[s->n * 95 / 100] / 1000.0));
}

static void on_answer(void *arg, const struct bridge_reply *r)
{
    struct bench *x = arg;
    check(r->err != NULL ? r->err->code : 0, r->err, "search");
    json_decref(x->answer);
    x->answer = json_incref(r->body);
    x->answered = true;
}

static const json_t *search(struct bench *x, const char *q, const char *chat, bool rank)
{
    const struct bridge_search s = {.tenant = "default",
                                    .session = "main",
                                    .q = q,
                                    .chat = chat,
                                    .by_rank = rank,
                                    .paging = {.limit = 20}};
    x->answered = false;
    bridge_search(x->b, &s, on_answer, x);
    while (!x->answered) {
        (void)uv_run(&x->loop, UV_RUN_ONCE);
    }
    return x->answer;
}

static void measure_lists(struct bench *x, json_t *out)
{
    struct series history = {.n = RUNS}, chats = {.n = RUNS};
    const struct bridge_paging page = {.limit = 50};
    for (size_t i = 0; i < RUNS; i++) {
        char phone[24];
        struct err e;
        json_t *body = NULL;
        (void)snprintf(phone, sizeof(phone), "55119%08" PRIu64, next(x) % CHATS);
        const struct bridge_message_filter f = {.chat = phone};
        uint64_t from = uv_hrtime();
        check(bridge_message_list(x->b, "default", "main", &f, &page, &body, &e), &e, "history");
        history.us[i] = (uv_hrtime() - from) / 1000;
        json_decref(body);
        from = uv_hrtime();
        check(bridge_chat_list(x->b, "default", "main", &page, &body, &e), &e, "chats");
        chats.us[i] = (uv_hrtime() - from) / 1000;
        json_decref(body);
    }
    add_row(out, "history page of one chat (50)", &history);
    add_row(out, "recent chats (50)", &chats);
}

static void measure_search(struct bench *x, json_t *out, const char *name, int words, int cut,
                           bool in_chat, bool rank)
{
    struct series s = {.n = RUNS};
    for (size_t i = 0; i < RUNS; i++) {
        char q[64] = "", w[16], phone[24];
        size_t used = 0;
        for (int k = 0; k < words; k++) {
            word(x, w);
            used += (size_t)snprintf(q + used, sizeof(q) - used, "%s%.*s", k > 0 ? " " : "",
                                     cut > 0 && k == words - 1 ? cut : 15, w);
        }
        (void)snprintf(phone, sizeof(phone), "55119%08" PRIu64, next(x) % CHATS);
        uint64_t from = uv_hrtime();
        (void)search(x, q, in_chat ? phone : NULL, rank);
        s.us[i] = (uv_hrtime() - from) / 1000;
    }
    add_row(out, name, &s);
}

static void on_prepare(uv_prepare_t *p)
{
    struct bench *x = p->data;
    uint64_t took = x->turn_ns != 0 ? uv_hrtime() - x->turn_ns : 0;
    x->worst_ns = took > x->worst_ns ? took : x->worst_ns;
}

static void on_check(uv_check_t *c)
{
    ((struct bench *)c->data)->turn_ns = uv_hrtime();
}

static void build_index(struct bench *x, json_t *out)
{
    uv_prepare_t prepare;
    uv_check_t after;
    (void)uv_prepare_init(&x->loop, &prepare);
    (void)uv_check_init(&x->loop, &after);
    prepare.data = after.data = x;
    (void)uv_prepare_start(&prepare, on_prepare);
    (void)uv_check_start(&after, on_check);
    uint64_t from = uv_hrtime();
    search_start(x->b->search);
    while (strcmp(json_str_or(json_obj(search(x, "zzzz", NULL, false), "index"), "state", ""),
                  "ready") != 0) {
    }
    (void)json_object_set_new(out, "index made",
                              json_pack("{s:f, s:f, s:I}", "s", (double)(uv_hrtime() - from) / 1e9,
                                        "longest_turn_ms", (double)x->worst_ns / 1e6, "messages",
                                        json_int(json_obj(x->answer, "index"), "messages", 0)));
    uv_close((uv_handle_t *)&prepare, NULL);
    uv_close((uv_handle_t *)&after, NULL);
    (void)uv_run(&x->loop, UV_RUN_NOWAIT);
}

/* ---- life --------------------------------------------------------------------------------------
 */

static void on_closed(void *arg)
{
    ((struct bench *)arg)->closed = true;
}

static void wait_closed(struct bench *x)
{
    while (!x->closed) {
        (void)uv_run(&x->loop, UV_RUN_ONCE);
    }
    x->closed = false;
}

static void open_all(struct bench *x, const char *dir)
{
    struct err e;
    struct bridge_config cfg;
    char *data = mem_printf("%s/store", dir);
    char *script = mem_printf("%s/script.js", dir);
    FILE *f = script != NULL ? fopen(script, "we") : NULL; /* no page is ever opened */
    if (data == NULL || f == NULL || fputs("void 0;\n", f) < 0 || fclose(f) != 0) {
        check(E_IO, NULL, dir);
    }
    const struct store_options o = {.dir = data, .loop = &x->loop};
    bridge_config_defaults(&cfg);
    cfg.data_dir = dir;
    cfg.page.wa_js = script;
    check(store_open(&o, &x->store, &e), &e, "store");
    check(cdp_create(&x->loop, &x->cdp, &e), &e, "cdp");
    check(bridge_create(&x->loop, x->store, x->cdp, &cfg, &x->b, NULL, &e), &e, "bridge");
    free(data);
    free(script);
}

static void close_all(struct bench *x)
{
    bridge_close(x->b, 0, on_closed, x);
    wait_closed(x);
    cdp_close(x->cdp, on_closed, x);
    wait_closed(x);
    store_close(x->store, on_closed, x);
    wait_closed(x);
    (void)uv_run(&x->loop, UV_RUN_DEFAULT); /* the last handles */
    (void)uv_loop_close(&x->loop);
}

int main(int argc, char **argv)
{
    struct bench x = {.random = 88172645463325252u, .total = 1000000};
    struct store_op op = {.data = &x};
    struct rusage usage;
    struct stat st;
    if (argc < 2) {
        (void)fprintf(stderr, "usage: bench_store DIRECTORY [MESSAGES]\n");
        return 2;
    }
    x.total = argc > 2 ? strtoull(argv[2], NULL, 10) : x.total;
    log_init(LOG_TEXT, LOG_WARN, 2);
    check(uv_loop_init(&x.loop) == 0 ? 0 : E_IO, NULL, "loop");
    open_all(&x, argv[1]);
    json_t *out = json_object();

    uint64_t from = uv_hrtime();
    store_submit(x.store, &op, apply_fill, on_filled);
    while (x.written < x.total) {
        (void)uv_run(&x.loop, UV_RUN_ONCE);
    }
    double seconds = (double)(uv_hrtime() - from) / 1e9;
    (void)json_object_set_new(
        out, "written",
        json_pack("{s:f, s:f}", "s", seconds, "messages_per_s", (double)x.written / seconds));
    build_index(&x, out);
    measure_lists(&x, out);
    measure_search(&x, out, "search, one word", 1, 0, false, false);
    measure_search(&x, out, "search, two words", 2, 0, false, false);
    measure_search(&x, out, "search, beginning of 3", 1, 3, false, false);
    measure_search(&x, out, "search, one word in one chat", 1, 0, true, false);
    measure_search(&x, out, "search, two words by rank", 2, 0, false, true);
    (void)getrusage(RUSAGE_SELF, &usage);
    char *file = mem_printf("%s/search/default.db", argv[1]);
    (void)json_object_set_new(
        out, "size",
        json_pack("{s:f, s:f}", "index_mb",
                  file != NULL && stat(file, &st) == 0 ? (double)st.st_size / 1e6 : 0.0,
                  "peak_rss_mb", (double)usage.ru_maxrss / 1024));
    free(file);
    char *text = json_text(out, NULL);
    (void)printf("%s\n", text != NULL ? text : "");
    free(text);
    json_decref(out);
    json_decref(x.answer);
    close_all(&x);
    return 0;
}
