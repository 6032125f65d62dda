/*
 * Failed logins by address, an IPv6 client by its /64: it may use any address of that. Nobody is
 * made to wait inside the daemon: who failed too often is told when to come again.
 */
#include "limit.h"

#include "mem.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_WAIT_MS 1000u
#define MAX_DOUBLINGS 30u

struct logins {
    struct seats *seats;
    unsigned free;
    uint64_t max_ms;
};

struct visitor {
    struct seat seat; /* first */
    uint32_t failures;
    uint64_t last_ms;  /* when the failures were counted */
    uint64_t until_ms; /* not before this */
};

struct logins *logins_create(unsigned free_failures, uint64_t max_ms)
{
    struct logins *l = mem_calloc(1, sizeof(*l));
    if (l == NULL || (l->seats = seats_create(sizeof(struct visitor))) == NULL) {
        free(l);
        return NULL;
    }
    l->free = free_failures;
    l->max_ms = max_ms;
    return l;
}

void logins_free(struct logins *l)
{
    if (l != NULL) {
        seats_free(l->seats);
        free(l);
    }
}

static void id_of(const struct logins *l, const struct in6_addr *from, uint8_t id[SEAT_ID])
{
    seats_id(l->seats, from, IN6_IS_ADDR_V4MAPPED(from) ? 16 : 8, 0, id);
}

static void forget(struct visitor *v, uint64_t now_ms)
{
    while (v->failures > 0 && now_ms >= v->last_ms + LOGIN_FORGET_MS) {
        v->failures /= 2;
        v->last_ms += LOGIN_FORGET_MS;
    }
}

uint64_t logins_wait_ms(struct logins *l, const struct in6_addr *from, uint64_t now_ms)
{
    uint8_t id[SEAT_ID];
    if (l == NULL) {
        return 0;
    }
    id_of(l, from, id);
    const struct visitor *v = seats_find(l->seats, id, now_ms);
    return v != NULL && v->until_ms > now_ms ? v->until_ms - now_ms : 0;
}

void logins_failed(struct logins *l, const struct in6_addr *from, uint64_t now_ms)
{
    uint8_t id[SEAT_ID];
    bool fresh;
    if (l == NULL) {
        return;
    }
    id_of(l, from, id);
    struct visitor *v = seats_take(l->seats, id, now_ms, &fresh);
    forget(v, now_ms);
    v->failures += v->failures < UINT32_MAX;
    v->last_ms = now_ms;
    if (v->failures > l->free) {
        unsigned doublings = v->failures - l->free - 1;
        doublings = doublings < MAX_DOUBLINGS ? doublings : MAX_DOUBLINGS;
        uint64_t wait = (uint64_t)FIRST_WAIT_MS << doublings;
        v->until_ms = now_ms + (wait < l->max_ms ? wait : l->max_ms);
    }
}

void logins_worked(struct logins *l, const struct in6_addr *from, uint64_t now_ms)
{
    uint8_t id[SEAT_ID];
    if (l == NULL) {
        return;
    }
    id_of(l, from, id);
    struct visitor *v = seats_find(l->seats, id, now_ms);
    if (v != NULL) {
        forget(v, now_ms);
        v->failures /= 2;
    }
}
