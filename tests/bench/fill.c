/*
 * Makes a store that would take days to come by: CHATS conversations of one message each, and one
 * more with MESSAGES of them ("Big", 5511800000000), both ways. Text n says "message n". For tests
 * and measurements of lists; a daemon started on DIRECTORY shows them.
 * Usage: fill_store DIRECTORY CHATS MESSAGES
 */
#include "../../cdp/cdp.h" /* by path: neither this nor the store is on the include path */
#include "chat_row.h"
#include "core_priv.h"
#include "log.h"
#include "mem.h"
#include "message_object.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP 1000
#define SPACING_MS UINT64_C(30000)
#define LONG_EVERY 9 /* some are long, so that rows differ in height */

struct fill {
    uv_loop_t loop;
    struct store *store;
    struct cdp *cdp;
    struct bridge *b;
    uint64_t chats, messages, written, end_ms;
    bool closed;
};

static void check(int rc, const struct err *e, const char *what)
{
    if (rc != 0) {
        (void)fprintf(stderr, "%s: %s (%s)\n", what, e != NULL ? e->msg : "", err_name(rc));
        exit(1);
    }
}

static int write_one(struct store_txn *t, const struct message_draft *d, const char *chat)
{
    struct buf b;
    struct message_owner o;
    const struct chat_touch touch = {.kind = CHAT_USER,
                                     .chat = d->chat,
                                     .id = d->id,
                                     .type = "text",
                                     .text = d->text,
                                     .text_len = d->text_len,
                                     .time_ms = d->time_ms,
                                     .out = d->out};
    message_owner_set(&o, "default", "main");
    buf_init(&b, STORE_MAX_VALUE);
    int rc = message_write(&b, d);
    rc = rc != 0 ? rc
                 : store_message_put(t, "default", "main", chat, d->id, d->time_ms, b.data, b.len,
                                     NULL);
    buf_finish(&b);
    return rc != 0 ? rc : chat_touch(t, &o, &touch);
}

/* Messages of the big conversation come first; then one of each other. */
static int put(struct store_txn *t, struct fill *x, uint64_t n)
{
    static const char more[] = " and some more words, so that this row is higher than the others "
                               "beside it, and takes two lines or three on most windows";
    bool big = n < x->messages;
    char phone[24], chat[40], name[40], id[32], text[256];
    uint64_t who = big ? 0 : n - x->messages + 1;
    (void)snprintf(phone, sizeof(phone), "55118%08" PRIu64, who);
    (void)snprintf(chat, sizeof(chat), "%s@c.us", phone);
    (void)snprintf(name, sizeof(name), big ? "Big" : "Customer %" PRIu64, who);
    (void)snprintf(id, sizeof(id), "3EB1%016" PRIX64, n);
    (void)snprintf(text, sizeof(text), "message %" PRIu64 "%s", big ? n : who,
                   n % LONG_EVERY == 0 ? more : "");
    uint64_t left = (big ? x->messages - n : x->chats + 1 - who) + 1;
    const struct channel_peer peer = {.id = chat, .phone = phone, .lid = "", .name = name};
    const struct message_draft d = {
        .id = id,
        .session = "main",
        .out = big && n % 3 == 1,
        .kind = CHAT_USER,
        .chat = peer,
        .from = peer,
        .type = "text",
        .text = text,
        .text_len = strlen(text),
        .status = big && n % 3 == 1 ? "read" : NULL,
        .time_ms = x->end_ms - left * SPACING_MS,
        .received_ms = x->end_ms - left * SPACING_MS,
    };
    return write_one(t, &d, chat);
}

static int apply_fill(struct store_txn *t, struct store_op *op)
{
    struct fill *x = op->data;
    int rc = 0;
    for (uint64_t n = x->written; rc == 0 && n < x->written + STEP && n < x->messages + x->chats;
         n++) {
        rc = put(t, x, n);
    }
    return rc;
}

static void on_filled(struct store_op *op, int rc)
{
    struct fill *x = op->data;
    check(rc, &op->err, "filling");
    x->written += STEP;
    if (x->written < x->messages + x->chats) {
        store_submit(x->store, op, apply_fill, on_filled);
    }
}

static void on_closed(void *arg)
{
    ((struct fill *)arg)->closed = true;
}

static void wait_closed(struct fill *x)
{
    while (!x->closed) {
        (void)uv_run(&x->loop, UV_RUN_ONCE);
    }
    x->closed = false;
}

static void open_all(struct fill *x, const char *dir)
{
    struct err e;
    struct bridge_config cfg;
    char *data = mem_printf("%s/store", dir);
    char *script = mem_printf("%s/unused.js", dir);
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

int main(int argc, char **argv)
{
    struct fill x = {.end_ms = (uint64_t)time(NULL) * 1000};
    struct store_op op = {.data = &x};
    if (argc != 4) {
        (void)fprintf(stderr, "usage: fill_store DIRECTORY CHATS MESSAGES\n");
        return 2;
    }
    x.chats = strtoull(argv[2], NULL, 10);
    x.messages = strtoull(argv[3], NULL, 10);
    log_init(LOG_TEXT, LOG_WARN, 2);
    check(uv_loop_init(&x.loop) == 0 ? 0 : E_IO, NULL, "loop");
    open_all(&x, argv[1]);
    store_submit(x.store, &op, apply_fill, on_filled);
    while (x.written < x.messages + x.chats) {
        (void)uv_run(&x.loop, UV_RUN_ONCE);
    }
    bridge_close(x.b, 0, on_closed, &x);
    wait_closed(&x);
    cdp_close(x.cdp, on_closed, &x);
    wait_closed(&x);
    store_close(x.store, on_closed, &x);
    wait_closed(&x);
    (void)uv_run(&x.loop, UV_RUN_DEFAULT); /* the last handles */
    (void)uv_loop_close(&x.loop);
    return 0;
}
