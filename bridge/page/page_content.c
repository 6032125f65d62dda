/*
 * What a message holds besides its text. Nothing is passed on as it came: every object is built
 * anew from members that were checked one by one, so that what joins the message of the contract
 * has the members and types that docs/webhooks.md names, and no others. A member that is not as it
 * must be is left out; the message still comes.
 */
#include "page_read.h"

#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX 128
#define WORDS_MAX ((size_t)4096) /* bytes of a name, question, address, link … */
#define VCARD_MAX 32768
#define ADDED_MAX (256u << 10) /* bytes of all reactions or votes of a message */

/* Where the texts that were built are kept with what they were built from. */
#define CONTENT_KEPT "content kept"
#define REACTIONS_KEPT "reactions kept"
#define VOTES_KEPT "votes kept"

/* ---- building ------------------------------------------------------------------------------ */

/* Takes value; false on exhaustion. */
static bool put(json_t *o, const char *key, json_t *value)
{
    return json_object_set_new(o, key, value) == 0;
}

/* The text of a member, "" when it is missing or not as it must be. */
static const char *text_of(const json_t *v, const char *key, size_t max)
{
    const char *s;
    return read_text(v, key, max, &s) ? s : "";
}

static bool put_text(json_t *o, const char *key, const json_t *v, size_t max)
{
    const char *s = text_of(v, key, max);
    return put(o, key, *s ? json_string(s) : json_null());
}

/* {id,phone,lid,name} as the contract writes a person. NULL: nobody that can be named. */
static json_t *person(const json_t *v)
{
    const char *id, *phone, *lid;
    if (!json_is_object(v) || !read_jid(v, "id", &id) || *id == '\0' ||
        !read_digits(v, "phone", &phone) || !read_jid(v, "lid", &lid)) {
        return NULL;
    }
    json_t *o = json_object();
    bool ok = o && put(o, "id", json_string(id)) &&
              put(o, "phone", *phone ? json_string(phone) : json_null()) &&
              put(o, "lid", *lid ? json_string(lid) : json_null()) &&
              put_text(o, "name", v, READ_NAME_MAX);
    if (!ok) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* Every element of a list through one(); what it refuses is left out. Gives. */
static json_t *list_of(const json_t *list, json_t *(*one)(const json_t *v))
{
    json_t *out = json_array();
    size_t count = json_array_size(list) < LIST_MAX ? json_array_size(list) : LIST_MAX;
    for (size_t i = 0; out && i < count; i++) {
        json_t *made = one(json_array_get(list, i));
        if (made) {
            (void)json_array_append_new(out, made);
        }
    }
    return out;
}

static json_t *line(const json_t *v)
{
    bool fits = json_is_string(v) && json_string_length(v) <= WORDS_MAX &&
                strlen(json_string_value(v)) == json_string_length(v);
    return fits && json_string_length(v) > 0 ? json_string(json_string_value(v)) : NULL;
}

/* ---- by type --------------------------------------------------------------------------------- */

static json_t *location(const json_t *v)
{
    const json_t *lat = json_object_get(v, "latitude"), *lng = json_object_get(v, "longitude");
    if (!json_is_number(lat) || !json_is_number(lng)) {
        return NULL;
    }
    double y = json_number_value(lat), x = json_number_value(lng);
    if (!(y >= -90 && y <= 90 && x >= -180 && x <= 180)) {
        return NULL;
    }
    json_t *o = json_object();
    (void)(put(o, "latitude", json_real(y)) && put(o, "longitude", json_real(x)) &&
           put_text(o, "name", v, WORDS_MAX) && put_text(o, "address", v, WORDS_MAX) &&
           put(o, "live", json_boolean(json_is_true(json_object_get(v, "live")))));
    return o;
}

static json_t *card(const json_t *v)
{
    if (!json_is_object(v)) {
        return NULL;
    }
    json_t *o = json_object();
    (void)(put_text(o, "name", v, WORDS_MAX) &&
           put(o, "phones", list_of(json_arr(v, "phones"), line)) &&
           put_text(o, "vcard", v, VCARD_MAX));
    return o;
}

static json_t *cards(const json_t *v)
{
    return json_is_array(v) ? list_of(v, card) : NULL;
}

static json_t *poll(const json_t *v)
{
    int64_t most;
    if (!json_is_object(v) || !read_number(v, "max_choices", 0, LIST_MAX, &most)) {
        return NULL;
    }
    json_t *o = json_object();
    (void)(put(o, "question", json_string(text_of(v, "question", WORDS_MAX))) &&
           put(o, "options", list_of(json_arr(v, "options"), line)) &&
           put(o, "max_choices", json_integer(most)) && put(o, "votes", json_array()));
    return o;
}

static json_t *call(const json_t *v)
{
    static const char *const states[] = {"ringing", "missed", "accepted", "rejected", "ended"};
    const char *state = text_of(v, "state", 16);
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (strcmp(states[i], state) == 0) {
            json_t *o = json_object();
            (void)(put(o, "video", json_boolean(json_is_true(json_object_get(v, "video")))) &&
                   put(o, "group", json_boolean(json_is_true(json_object_get(v, "group")))) &&
                   put(o, "state", json_string(state)));
            return o;
        }
    }
    return NULL;
}

static json_t *notice(const json_t *v)
{
    const char *kind = text_of(v, "kind", 32);
    if (*kind == '\0' || !read_is_made_of(kind, "_")) {
        return NULL;
    }
    json_t *o = json_object();
    const json_t *value = json_object_get(v, "value");
    (void)(put(o, "kind", json_string(kind)) &&
           put(o, "participants", list_of(json_arr(v, "participants"), person)) &&
           (json_is_boolean(value) ? put(o, "value", json_boolean(json_is_true(value)))
                                   : put_text(o, "value", v, WORDS_MAX * 4)));
    return o;
}

static json_t *link_shown(const json_t *v)
{
    const char *url = text_of(v, "url", WORDS_MAX * 2);
    if (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0) {
        return NULL;
    }
    json_t *o = json_object();
    (void)(put(o, "url", json_string(url)) && put_text(o, "title", v, WORDS_MAX) &&
           put_text(o, "description", v, WORDS_MAX));
    return o;
}

static json_t *mentions(const json_t *v)
{
    json_t *list = json_is_array(v) ? list_of(v, person) : NULL;
    if (json_array_size(list) == 0) {
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *truth(const json_t *v)
{
    return json_is_true(v) ? json_true() : NULL;
}

static const struct {
    const char *name, *type; /* type NULL: of any */
    json_t *(*build)(const json_t *v);
} members[] = {
    {"location", "location", location},
    {"contacts", "contacts", cards},
    {"poll", "poll", poll},
    {"call", "call", call},
    {"system", "system", notice},
    {"link", "text", link_shown},
    {"mentions", NULL, mentions},
    {"forwarded", NULL, truth},
};

/* ---- keeping -----------------------------------------------------------------------------------
 */

/* The text of built (taken), kept with v. "" when it is empty, too large, or memory is out. */
static const char *keep(json_t *v, const char *key, json_t *built, size_t max)
{
    size_t len = 0;
    bool some = json_object_size(built) > 0 || json_is_array(built);
    char *text = some ? json_dumps(built, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    const char *kept = "";
    len = text ? strlen(text) : 0;
    if (text && len <= max && json_object_set_new(v, key, json_stringn(text, len)) == 0) {
        kept = json_string_value(json_object_get(v, key));
    }
    free(text);
    json_decref(built);
    return kept ? kept : "";
}

void page_content_read(json_t *v, const char *type, const char **out)
{
    const json_t *from = json_obj(v, "content");
    json_t *built = json_object();
    for (size_t i = 0; from && built && i < sizeof(members) / sizeof(members[0]); i++) {
        bool fits = !members[i].type || strcmp(members[i].type, type) == 0;
        const json_t *value = json_object_get(from, members[i].name);
        json_t *member = fits && value ? members[i].build(value) : NULL;
        if (member) {
            (void)json_object_set_new(built, members[i].name, member);
        }
    }
    *out = keep(v, CONTENT_KEPT, built, CHANNEL_CONTENT_MAX);
}

/* {by,at_ms} of a reaction or vote; NULL when it cannot be told whose it is. */
static json_t *added(const json_t *v)
{
    uint64_t at;
    json_t *by = json_is_object(v) ? person(json_object_get(v, "by")) : NULL;
    if (!by || !read_time(v, "t", &at)) {
        json_decref(by);
        return NULL;
    }
    json_t *o = json_object();
    if (!o || !put(o, "by", by)) {
        json_decref(o);
        return NULL;
    }
    (void)put(o, "at_ms", json_integer((json_int_t)at));
    return o;
}

static json_t *reaction(const json_t *v)
{
    const char *emoji = text_of(v, "emoji", 512);
    json_t *o = *emoji ? added(v) : NULL;
    if (o) {
        (void)put(o, "emoji", json_string(emoji));
    }
    return o;
}

static json_t *vote(const json_t *v)
{
    json_t *o = added(v);
    if (o) {
        (void)put(o, "options", list_of(json_arr(v, "options"), line));
    }
    return o;
}

void page_reactions_read(json_t *v, const char **out)
{
    const json_t *list = json_arr(v, "reactions");
    *out = list ? keep(v, REACTIONS_KEPT, list_of(list, reaction), ADDED_MAX) : "";
}

void page_votes_read(json_t *v, const char **out)
{
    const json_t *list = json_arr(v, "votes");
    *out = list ? keep(v, VOTES_KEPT, list_of(list, vote), ADDED_MAX) : "";
}

/* ---- other kinds of events ----------------------------------------------------------------------
 */

static json_t *options_chosen(const json_t *v)
{
    json_t *o = json_arr(v, "options") ? json_object() : NULL;
    if (o) {
        (void)put(o, "options", list_of(json_arr(v, "options"), line));
    }
    return o;
}

static json_t *group_details(const json_t *v)
{
    json_t *o = json_is_object(v) ? json_object() : NULL;
    (void)(o && put(o, "participants", list_of(json_arr(v, "participants"), person)) &&
           put_text(o, "value", v, WORDS_MAX * 4));
    return o;
}

/* Members that are there must be of their type; what is missing did not change. */
static json_t *chat_details(const json_t *v)
{
    static const char *const flags[] = {"archived", "pinned"};
    int64_t unread;
    uint64_t muted;
    const char *name;
    if (!json_is_object(v) || !read_number(v, "unread", 0, 1000000, &unread) ||
        !read_time(v, "muted_until_ms", &muted) || !read_text(v, "name", READ_NAME_MAX, &name)) {
        return NULL;
    }
    json_t *o = json_object();
    if (json_object_get(v, "unread")) {
        (void)put(o, "unread", json_integer(unread));
    }
    if (json_object_get(v, "muted_until_ms")) {
        (void)put(o, "muted_until_ms", json_integer((json_int_t)muted));
    }
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (json_is_boolean(json_object_get(v, flags[i]))) {
            (void)put(o, flags[i], json_boolean(json_is_true(json_object_get(v, flags[i]))));
        }
    }
    if (*name) {
        (void)put(o, "name", json_string(name));
    }
    return o;
}

static json_t *contact_details(const json_t *v)
{
    json_t *o = json_is_object(v) ? json_object() : NULL;
    const json_t *blocked = json_object_get(v, "blocked");
    if (o && json_is_boolean(blocked)) {
        (void)put(o, "blocked", json_boolean(json_is_true(blocked)));
    }
    return o;
}

bool page_details_read(json_t *v, enum channel_event_kind kind, const char **out)
{
    const json_t *from = json_object_get(v, "c");
    json_t *built = NULL;
    *out = "";
    switch (kind) {
    case CHANNEL_VOTE:
        built = options_chosen(from);
        break;
    case CHANNEL_CALL:
        built = call(from);
        break;
    case CHANNEL_GROUP:
        built = group_details(from);
        break;
    case CHANNEL_CHAT:
        built = chat_details(from);
        break;
    case CHANNEL_CONTACT:
        built = contact_details(from);
        break;
    default:
        return true;
    }
    bool ok = built != NULL;
    *out = keep(v, CONTENT_KEPT, built, CHANNEL_CONTENT_MAX);
    return ok;
}
