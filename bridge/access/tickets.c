#include "tickets.h"

#include "clock.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX_LEN 4

struct tickets {
    struct ticket_rules rules;
    struct list all;
    unsigned count;
};

struct tickets *tickets_create(const struct ticket_rules *rules)
{
    struct tickets *t = mem_calloc(1, sizeof(*t));
    if (t != NULL) {
        t->rules = *rules;
        list_init(&t->all);
    }
    return t;
}

void ticket_free(struct ticket *t)
{
    if (t != NULL) {
        json_decref(t->grant);
        free(t);
    }
}

static void drop(struct tickets *t, struct ticket *one)
{
    list_remove(&one->link);
    t->count--;
}

void tickets_free(struct tickets *t)
{
    struct list *it;
    while (t != NULL && (it = list_pop(&t->all)) != NULL) {
        ticket_free(LIST_ENTRY(it, struct ticket, link));
    }
    free(t);
}

/* Those that are over, and how many of the tenant's are not. */
static unsigned sweep(struct tickets *t, const char *tenant, uint64_t now)
{
    unsigned same = 0;
    LIST_FOREACH(&t->all, it, next)
    {
        struct ticket *one = LIST_ENTRY(it, struct ticket, link);
        if (one->until_ms <= now) {
            drop(t, one);
            ticket_free(one);
        } else {
            same += strcmp(one->tenant, tenant) == 0;
        }
    }
    return same;
}

/* A widget that asks and asks takes the place of its own oldest, not that of others of its tenant. */
static void make_place(struct tickets *t, const struct bridge_principal *who)
{
    struct ticket *oldest = NULL;
    unsigned same = 0;
    LIST_FOREACH(&t->all, it, next)
    {
        struct ticket *one = LIST_ENTRY(it, struct ticket, link);
        if (strcmp(one->who.tenant, who->tenant) == 0 &&
            strcmp(one->who.subject, who->subject) == 0 &&
            strcmp(one->who.sessions, who->sessions) == 0 &&
            strcmp(one->who.chat[0], who->chat[0]) == 0) {
            oldest = oldest == NULL ? one : oldest;
            same++;
        }
    }
    if (same >= TICKETS_OF_WIDGET) {
        drop(t, oldest);
        ticket_free(oldest);
    }
}

static int check_room(struct tickets *t, const char *tenant, uint64_t now, struct err *e)
{
    unsigned same = sweep(t, tenant, now);
    int rc = 0;
    if (same >= t->rules.max_per_tenant) {
        rc = err_word(e, E_LIMIT, "too_many_tickets",
                      "%u tickets wait to be used, the most there can be: use one, or wait until "
                      "they are over",
                      same);
    } else if (t->count >= t->rules.max) {
        rc = err_word(e, E_UNAVAILABLE, "too_many_tickets",
                      "too many tickets wait to be used on this server: try again soon");
    }
    return rc;
}

static void make_text(const char *prefix, char text[TICKET_LEN + 1])
{
    uint8_t secret[CRYPTO_KEY_LEN];
    char base64[CRYPTO_BASE64_LEN(CRYPTO_KEY_LEN)];
    crypto_random(secret, sizeof(secret));
    (void)crypto_base64(secret, sizeof(secret), base64);
    for (char *p = base64; *p != '\0'; p++) {
        *p = (char)(*p == '+' ? '-' : *p == '/' ? '_' : *p);
    }
    memcpy(text, prefix, PREFIX_LEN);
    memcpy(text + PREFIX_LEN, base64, TICKET_LEN - PREFIX_LEN); /* without padding */
    text[TICKET_LEN] = '\0';
    crypto_wipe(secret, sizeof(secret));
    crypto_wipe(base64, sizeof(base64));
}

int tickets_make(struct tickets *t, const char *tenant, const struct bridge_principal *who,
                 json_t *grant, char text[TICKET_LEN + 1], struct err *e)
{
    uint64_t now = clock_mono_ms();
    if (bridge_of_one_chat(who)) {
        make_place(t, who);
    }
    int rc = check_room(t, tenant, now, e);
    struct ticket *one = rc == 0 ? mem_calloc(1, sizeof(*one)) : NULL;
    if (one != NULL) {
        make_text(t->rules.prefix, text);
    }
    if (one == NULL || crypto_sha256(text, TICKET_LEN, one->hash) != 0) {
        free(one);
        json_decref(grant);
        return rc != 0 ? rc : err_set(e, E_NOMEM, "out of memory");
    }
    one->until_ms = now + t->rules.life_ms;
    (void)snprintf(one->tenant, sizeof(one->tenant), "%s", tenant);
    one->who = *who;
    one->grant = grant;
    list_append(&t->all, &one->link);
    t->count++;
    return 0;
}

struct ticket *tickets_take(struct tickets *t, const char *text, size_t len)
{
    uint8_t hash[CRYPTO_SHA256_LEN];
    if (len != TICKET_LEN || crypto_sha256(text, len, hash) != 0) {
        return NULL;
    }
    (void)sweep(t, "", clock_mono_ms());
    LIST_FOREACH(&t->all, it, next)
    {
        struct ticket *one = LIST_ENTRY(it, struct ticket, link);
        if (crypto_equal(one->hash, hash, sizeof(hash))) {
            drop(t, one);
            return one;
        }
    }
    return NULL;
}
