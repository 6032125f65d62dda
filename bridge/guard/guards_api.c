/*
 * GET and PUT of a tenant's guards. Two records: "content", the rules on what is sent, and
 * "opt_out", which the writer thread reads for incoming texts and which is therefore small.
 *
 * PUT, happy path: body checked on the loop -> patterns compiled and tried on bad texts on libuv's
 * pool -> one operation: what is named replaces what is stored -> compiled rules forgotten ->
 * answer.
 */
#include "guard.h"
#include "guard_fold.h"
#include "guard_rules.h"
#include "opt_out.h"
#include "stop_words.h"

#include "core_priv.h"
#include "json.h"
#include "mem.h"
#include "text.h"
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 50   /* of the tenant's own, each way */
#define REPLY_MAX 1024 /* characters */

/* ---- the object --------------------------------------------------------------------------------
 */

static json_t *default_languages(void)
{
    json_t *list = json_array();
    for (size_t i = 0; list != NULL && stop_languages[i] != NULL; i++) {
        (void)json_array_append_new(list, json_string(stop_languages[i]));
    }
    return list;
}

static json_t *list_of(const json_t *record, const char *key)
{
    json_t *list = json_arr(record, key);
    return list != NULL ? json_incref(list) : json_array();
}

static json_t *object_of(const json_t *content, const json_t *opt_out)
{
    json_t *languages = json_arr(opt_out, "languages");
    json_t *most = json_object_get(content, "max_text_length");
    return json_pack("{s:o, s:o, s:{s:b, s:o, s:o, s:o, s:s?}}", "max_text_length",
                     json_is_integer(most) ? json_incref(most) : json_null(), "forbidden",
                     list_of(content, "forbidden"), "opt_out", "enabled",
                     (int)json_flag(opt_out, "enabled", true), "languages",
                     languages != NULL ? json_incref(languages) : default_languages(), "keywords",
                     list_of(opt_out, "keywords"), "resume_keywords",
                     list_of(opt_out, "resume_keywords"), "reply", json_str(opt_out, "reply"));
}

/* Gives; NULL in *content when the tenant has none. */
static int content_load(struct store_txn *t, const char *tenant, json_t **content, struct err *e)
{
    struct store_value v;
    *content = NULL;
    int rc = store_get(t, STORE_GUARDS, STORE_PATH(tenant, "content"), &v);
    if (rc != 0) {
        return rc == E_NOTFOUND ? 0 : rc;
    }
    *content = record_parse(v, e);
    return *content != NULL ? 0 : E_INTERNAL;
}

int bridge_guards_get(struct bridge *b, const char *tenant, json_t **out, struct err *e)
{
    struct store_txn *t = NULL;
    json_t *content = NULL, *opt_out = NULL;
    struct err why;
    err_clear(&why);
    *out = NULL;
    int rc = store_read(b->store, &t, &why);
    if (rc == 0) {
        rc = tenant_check(t, tenant, &why);
        rc = rc != 0 ? rc : content_load(t, tenant, &content, &why);
        rc = rc != 0 ? rc : opt_out_settings(t, tenant, &opt_out);
        store_read_end(t);
    }
    if (rc == 0) {
        *out = object_of(content, opt_out);
        rc = *out != NULL ? 0 : E_NOMEM;
    }
    json_decref(content);
    json_decref(opt_out);
    rc = rc == 0 ? 0 : store_err(&why, rc, "the guards could not be read");
    err_copy(e, &why);
    return rc;
}

/* ---- the body ----------------------------------------------------------------------------------
 */

struct put {
    struct call call; /* first */
    struct work work;
    char tenant[64];
    json_t *content, *opt_out; /* checked members that were named */
    struct err err;            /* of the work */
};

static int keep(json_t *to, const char *key, json_t *v, struct err *e)
{
    return body_set(to, key, v) == 0 ? 0 : err_set(e, E_NOMEM, "out of memory");
}

static int take_length(struct put *p, const json_t *v, struct err *e)
{
    const json_int_t n = json_integer_value(v);
    if (v == NULL) {
        return 0;
    }
    if (!json_is_null(v) && (!json_is_integer(v) || n < 1 || n > GUARD_TEXT_MAX)) {
        return err_field(e, NULL, "max_text_length",
                         "`max_text_length` must be null or 1 to %d characters", GUARD_TEXT_MAX);
    }
    return keep(p->content, "max_text_length", json_is_null(v) ? json_null() : json_integer(n), e);
}

static int take_rules(struct put *p, const json_t *v, struct err *e)
{
    json_t *list = NULL;
    int rc = v != NULL ? guard_rules_parse(v, &list, e) : 0;
    return rc != 0 || v == NULL ? rc : keep(p->content, "forbidden", list, e);
}

/* Says something when it is folded: a word of punctuation alone would never be met. */
static bool is_word(const json_t *v)
{
    const char *s = json_string_value(v);
    size_t len = s != NULL ? strlen(s) : 0;
    char *plain = len >= 1 && len <= STOP_WORD_MAX ? guard_fold(s, len, GUARD_PLAIN) : NULL;
    bool ok = plain != NULL && plain[0] != '\0';
    free(plain);
    return ok;
}

static bool is_language(const json_t *v)
{
    const char *s = json_string_value(v);
    return s != NULL && stop_language(s);
}

static int take_list(struct put *p, const json_t *body, const char *key,
                     bool (*fits)(const json_t *v), const char *what, struct err *e)
{
    const json_t *v = json_object_get(body, key);
    bool ok = json_is_array(v) && json_array_size(v) <= WORDS_MAX;
    for (size_t i = 0; ok && i < json_array_size(v); i++) {
        ok = fits(json_array_get(v, i));
    }
    if (v != NULL && !ok) {
        char field[48];
        (void)snprintf(field, sizeof(field), "opt_out.%s", key);
        return err_field(e, NULL, field, "`%s` must be a list of at most %d %s", key, WORDS_MAX,
                         what);
    }
    return v != NULL ? keep(p->opt_out, key, json_deep_copy(v), e) : 0;
}

static int take_reply(struct put *p, const json_t *v, struct err *e)
{
    const char *s = json_string_value(v);
    size_t len = s != NULL ? strlen(s) : 0;
    if (v == NULL) {
        return 0;
    }
    if (!json_is_null(v) &&
        (len == 0 || len != json_string_length(v) || text_utf8_count(s, len) > REPLY_MAX)) {
        return err_field(e, NULL, "opt_out.reply", "`reply` must be null or 1 to %d characters",
                         REPLY_MAX);
    }
    return keep(p->opt_out, "reply", s != NULL ? json_string(s) : json_null(), e);
}

static int take_opt_out(struct put *p, const json_t *v, struct err *e)
{
    static const char *const fields[] = {"enabled",         "languages", "keywords",
                                         "resume_keywords", "reply",     NULL};
    char languages[96] = "languages, of";
    const json_t *enabled = json_object_get(v, "enabled");
    if (v == NULL) {
        return 0;
    }
    if (!json_is_object(v)) {
        return err_field(e, NULL, "opt_out", "`opt_out` must be an object");
    }
    for (size_t i = 0; stop_languages[i] != NULL; i++) {
        size_t n = strlen(languages);
        (void)snprintf(languages + n, sizeof(languages) - n, " %.2s", stop_languages[i]);
    }
    int rc = body_check(v, fields, e);
    if (rc == 0 && enabled != NULL) {
        rc = json_is_boolean(enabled)
                 ? keep(p->opt_out, "enabled", json_boolean(json_is_true(enabled)), e)
                 : err_field(e, NULL, "opt_out.enabled", "`enabled` must be true or false");
    }
    rc = rc != 0 ? rc : take_list(p, v, "languages", is_language, languages, e);
    rc = rc != 0 ? rc : take_list(p, v, "keywords", is_word, "words of 1 to 64 bytes", e);
    rc = rc != 0 ? rc : take_list(p, v, "resume_keywords", is_word, "words of 1 to 64 bytes", e);
    return rc != 0 ? rc : take_reply(p, json_object_get(v, "reply"), e);
}

static int take(struct put *p, const json_t *body, struct err *e)
{
    static const char *const fields[] = {"max_text_length", "forbidden", "opt_out", NULL};
    p->content = json_object();
    p->opt_out = json_object();
    int rc = p->content != NULL && p->opt_out != NULL ? body_check(body, fields, e)
                                                      : err_set(e, E_NOMEM, "out of memory");
    rc = rc != 0 ? rc : take_length(p, json_object_get(body, "max_text_length"), e);
    rc = rc != 0 ? rc : take_rules(p, json_object_get(body, "forbidden"), e);
    return rc != 0 ? rc : take_opt_out(p, json_object_get(body, "opt_out"), e);
}

/* ---- put ---------------------------------------------------------------------------------------
 */

static int merge(struct store_txn *t, const char *tenant, const char *part, const json_t *changes,
                 json_t **record, struct err *e)
{
    *record = *record != NULL ? *record : json_object();
    if (*record == NULL || json_object_update(*record, (json_t *)(uintptr_t)changes) != 0) {
        return E_NOMEM;
    }
    return json_object_size(changes) == 0
               ? 0
               : record_put(t, STORE_GUARDS, STORE_PATH(tenant, part), *record, e);
}

static int apply(struct store_txn *t, struct call *c, struct err *e)
{
    struct put *p = (struct put *)c;
    json_t *content = NULL, *opt_out = NULL;
    int rc = tenant_check(t, p->tenant, e);
    rc = rc != 0 ? rc : content_load(t, p->tenant, &content, e);
    rc = rc != 0 ? rc : opt_out_settings(t, p->tenant, &opt_out);
    rc = rc != 0 ? rc : merge(t, p->tenant, "content", p->content, &content, e);
    rc = rc != 0 ? rc : merge(t, p->tenant, "opt_out", p->opt_out, &opt_out, e);
    if (rc == 0) {
        json_decref(c->answer); /* of a first run that was rolled back */
        c->answer = object_of(content, opt_out);
        rc = c->answer != NULL ? 0 : E_NOMEM;
    }
    json_decref(content);
    json_decref(opt_out);
    return rc;
}

static void finish(struct call *c, int rc)
{
    if (rc == 0) {
        guards_forget_tenant(c->b->guards, ((struct put *)c)->tenant);
    }
}

static void release(struct call *c)
{
    struct put *p = (struct put *)c;
    json_decref(c->answer);
    json_decref(p->content);
    json_decref(p->opt_out);
    free(p);
}

/* On a thread of the pool: takes as long as bad patterns make it, within the bound of a probe. */
static void probe(struct work *w)
{
    struct put *p = LIST_ENTRY(w, struct put, work);
    struct guard_rules *rules = NULL;
    err_clear(&p->err);
    (void)guard_rules_compile(p->content, true, &rules, &p->err);
    guard_rules_drop(rules);
}

static void on_probed(struct work *w, int rc)
{
    struct put *p = LIST_ENTRY(w, struct put, work);
    struct bridge *b = p->call.b;
    if (rc != 0) {
        err_set(&p->err, rc, "the check of the patterns was stopped");
    }
    if (p->err.code != 0) {
        reply_later(b, p->call.done, p->call.arg, &p->err, NULL);
        release(&p->call);
    } else {
        call_submit(&p->call, b, p->call.done, p->call.arg);
    }
    core_leave(b);
}

void bridge_guards_put(struct bridge *b, const char *tenant, const json_t *body,
                       bridge_done_fn done, void *arg)
{
    struct err e;
    err_clear(&e);
    struct put *p = mem_calloc(1, sizeof(*p));
    int rc = p != NULL ? take(p, body, &e) : err_set(&e, E_NOMEM, "out of memory");
    if (rc == 0) {
        p->call = (struct call){
            .b = b, .done = done, .arg = arg, .apply = apply, .finish = finish, .release = release};
        memcpy(p->tenant, tenant, strnlen(tenant, sizeof(p->tenant) - 1));
        rc = work_submit(b->loop, &p->work, probe, on_probed);
        if (rc != 0) {
            err_set(&e, rc, "too much is being checked; try again soon");
        }
    }
    if (rc != 0) {
        if (p != NULL) {
            release(&p->call);
        }
        reply_later(b, done, arg, &e, NULL);
        return;
    }
    core_enter(b);
}
