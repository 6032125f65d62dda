/*
 * What pages and browsers write: origins, tickets in bodies and queries, credentials of widgets, lists
 * of event types. The first byte says which.
 */
#include "fuzz.h"
#include "api_priv.h"
#include "json.h"
#include "tickets.h"
#include "widget.h"

/* It goes into a header: nothing but an origin, and once written so it stays. */
static void check_origin(const char *text)
{
    char origin[WIDGET_ORIGIN_LEN], again[WIDGET_ORIGIN_LEN];
    struct err e = {0};
    if (origin_parse(text, origin, &e) != 0) {
        must(e.code < 0 && e.msg[0] != '\0');
        return;
    }
    must(strspn(origin, "abcdefghijklmnopqrstuvwxyz0123456789.-:/*") == strlen(origin));
    must(strncmp(origin, "https://", 8) == 0 || strncmp(origin, "http://", 7) == 0);
    must(origin_parse(origin, again, &e) == 0 && strcmp(origin, again) == 0);
}

static void check_settings(const char *text, size_t len)
{
    struct err e = {0};
    json_t *body = json_parse(text, len, 1 << 16, &e), *settings = NULL;
    if (json_is_object(body) && widget_settings_check(body, &settings, &e) == 0) {
        const json_t *list = json_arr(settings, "origins");
        must(json_array_size(list) <= WIDGET_MAX_ORIGINS);
        for (size_t i = 0; i < json_array_size(list); i++) {
            check_origin(json_string_value(json_array_get(list, i)));
        }
    }
    json_decref(settings);
    json_decref(body);
}

static void check_types(const char *text)
{
    struct err e = {0};
    bool matched = bridge_types_match(text, "message.received");
    if (bridge_types_check(text, &e) != 0) {
        must(e.code < 0);
        return;
    }
    if (strpbrk(text, "*,") == NULL) {
        must(matched == (strcmp(text, "message.received") == 0));
        must(bridge_types_match(text, text));
    }
}

/* Nobody has a ticket or a credential without us. */
static void check_secrets(const char *text, size_t len)
{
    static const uint8_t pepper[CRYPTO_KEY_LEN] = {1};
    char made[TICKET_LEN + 1];
    struct bridge_principal who = {.tenant = "t"};
    struct grant g;
    struct err e = {0};
    struct tickets *t = tickets_create(&stream_ticket_rules);
    must(t != NULL && tickets_make(t, "t", &who, NULL, made, &e) == 0);
    must(tickets_take(t, text, len) == NULL);
    struct ticket *own = tickets_take(t, made, TICKET_LEN);
    must(own != NULL);
    ticket_free(own);
    tickets_free(t);
    must(grant_read(pepper, text, 1, &g, &e) != 0);
    must(e.code == E_AUTH);
}

/* What was written is read back as it was. */
static void check_grant(const char *text, size_t len)
{
    static const uint8_t pepper[CRYPTO_KEY_LEN] = {1};
    struct grant g, back;
    struct err e = {0};
    json_t *v = json_parse(text, len, 1 << 16, &e);
    char *written = grant_from(v, &g) ? grant_write(pepper, &g) : NULL;
    json_decref(v);
    if (written != NULL) {
        must(grant_looks_like(written));
        must(grant_read(pepper, written, 0, &back, &e) == 0);
        must(strcmp(g.chat, back.chat) == 0 && strcmp(g.session, back.session) == 0);
        must(strcmp(g.tenant, back.tenant) == 0 && g.scopes == back.scopes);
        must(g.expires_ms == back.expires_ms && memcmp(g.proof, back.proof, sizeof(g.proof)) == 0);
    }
    free(written);
}

static void check_query(const char *query)
{
    static const struct api_route route = {.auth = API_TICKET};
    char accept[] = "text/event-stream";
    struct api_request r = {.route = &route, .h = {.accept = accept}};
    size_t len = 0;
    const char *ticket = auth_ticket(&r, query, &len);
    must(ticket == NULL || (ticket > query && ticket + len <= query + strlen(query)));
    must(ticket == NULL || memchr(ticket, '&', len) == NULL);
    must(ticket != NULL || strncmp(query, "ticket=", 7) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    char *text = fuzz_text(data + 1, size - 1);
    switch (data[0] % 6) {
    case 0:
        check_origin(text);
        break;
    case 1:
        check_settings(text, size - 1);
        break;
    case 2:
        check_types(text);
        break;
    case 3:
        check_secrets(text, size - 1);
        break;
    case 4:
        check_grant(text, size - 1);
        break;
    default:
        check_query(text);
    }
    free(text);
    return 0;
}
