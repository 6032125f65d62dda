/* Conversations: their list, their state, internal notes. */
#include "api_priv.h"

#define TENANT(r) (r)->param[PARAM_TENANT]
#define SESSION(r) (r)->param[PARAM_SESSION]
#define CHAT(r) (r)->param[PARAM_CHAT]

static enum bridge_tristate choice(const struct api_request *r, const char *name)
{
    const char *text = api_text(r, name);
    if (text == NULL) {
        return BRIDGE_ANY;
    }
    return text[0] == 't' ? BRIDGE_YES : BRIDGE_NO;
}

static struct bridge_chat_filter filter(const struct api_request *r)
{
    return (struct bridge_chat_filter){.state = api_text(r, "state"),
                                       .tag = api_text(r, "tag"),
                                       .assignee = api_text(r, "assignee"),
                                       .q = api_text(r, "q"),
                                       .unread = choice(r, "unread"),
                                       .archived = choice(r, "archived"),
                                       .pinned = choice(r, "pinned")};
}

static struct bridge_inbox inbox(const struct api_request *r)
{
    return (struct bridge_inbox){
        .tenant = TENANT(r), .sessions = api_text(r, "session"), .who = &r->who};
}

void chat_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    struct bridge_chat_filter f = filter(r);
    int rc = bridge_chat_search(api_bridge(r), TENANT(r), SESSION(r), &f, &p, &body, &e);
    api_give(r, rc, body, &e);
}

/* Of all sessions that the key sees. */
void inbox_chats(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_paging p = api_paging(r);
    struct bridge_chat_filter f = filter(r);
    struct bridge_inbox in = inbox(r);
    int rc = bridge_inbox_chats(api_bridge(r), &in, &f, &p, &body, &e);
    api_give(r, rc, body, &e);
}

void inbox_facets(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    struct bridge_inbox in = inbox(r);
    int rc = bridge_inbox_facets(api_bridge(r), &in, &body, &e);
    api_give(r, rc, body, &e);
}

void chat_get(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_chat_get(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), &body, &e);
    api_give(r, rc, body, &e);
}

void chat_patch(struct api_request *r)
{
    bridge_chat_patch(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), r->json, api_done,
                      api_hold(r));
}

void note_list(struct api_request *r)
{
    json_t *body = NULL;
    struct err e = {0};
    int rc = bridge_note_list(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), &body, &e);
    api_give(r, rc, body, &e);
}

void note_add(struct api_request *r)
{
    const struct bridge_author author = {.id = r->who.subject, .name = r->who.name};
    bridge_note_add(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), &author, r->json, api_done,
                    api_hold(r));
}

void note_delete(struct api_request *r)
{
    bridge_note_delete(api_bridge(r), TENANT(r), SESSION(r), CHAT(r), r->param[PARAM_NOTE],
                       api_done, api_hold(r));
}
