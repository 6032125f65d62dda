/* TENANT/SESSION on the command line, or the only one there is. */
#include "cli.h"

#include "buf.h"
#include "json.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

bool target_looks_like(const char *word)
{
    return strchr(word, '/') != NULL && strpbrk(word, "@+ ") == NULL;
}

static int split(const char *word, struct target *t, struct err *e)
{
    const char *slash = strchr(word, '/');
    size_t n = (size_t)(slash - word);
    if (n >= sizeof t->tenant || strlen(slash + 1) >= sizeof t->session) {
        return err_set(e, E_INVALID, "%s: a name has at most 63 characters", word);
    }
    memcpy(t->tenant, word, n);
    t->tenant[n] = '\0';
    snprintf(t->session, sizeof t->session, "%s", slash + 1);
    if (!text_is_name(t->tenant) || !text_is_name(t->session)) {
        return err_set(e, E_INVALID, "%s: names are a-z, 0-9, _ and -, as in acme/main", word);
    }
    return 0;
}

/* What there is to choose from. */
struct survey {
    const char *word;   /* count only sessions of this name; NULL: all */
    struct target only; /* the last one counted */
    char tenant[64];    /* the last tenant */
    int count, tenants;
    struct buf names; /* of the counted, for people */
};

static void count_session(struct survey *v, const char *tenant, const char *session)
{
    if (v->word != NULL && strcmp(v->word, session) != 0) {
        return;
    }
    v->count++;
    snprintf(v->only.tenant, sizeof v->only.tenant, "%s", tenant);
    snprintf(v->only.session, sizeof v->only.session, "%s", session);
    buf_printf(&v->names, "%s%s/%s", v->names.len > 0 ? ", " : "", tenant, session);
}

static int survey(struct client *cl, struct survey *v, struct err *e)
{
    struct answer tenants, sessions;
    int r = client_call(cl, "GET", "/v1/tenants?limit=500", NULL, NULL, &tenants, e);
    size_t i, k;
    json_t *t, *s;
    if (r == E_FORBIDDEN) { /* a key of one tenant, which cannot look at the others */
        err_set(e, r, "this key is a tenant's: say TENANT/SESSION");
    }
    json_array_foreach(json_arr(tenants.json, "items"), i, t)
    {
        char path[160];
        if (r != 0) {
            break;
        }
        v->tenants++;
        snprintf(v->tenant, sizeof v->tenant, "%s", json_str_or(t, "id", ""));
        snprintf(path, sizeof path, "/v1/tenants/%s/sessions?limit=500", v->tenant);
        r = client_call(cl, "GET", path, NULL, NULL, &sessions, e);
        json_array_foreach(json_arr(sessions.json, "items"), k, s)
        {
            count_session(v, v->tenant, json_str_or(s, "id", ""));
        }
        answer_free(&sessions);
    }
    answer_free(&tenants);
    return r;
}

static int choose(const struct survey *v, struct target *t, struct err *e)
{
    if (v->count == 1) {
        *t = v->only;
        return 0;
    }
    if (v->count > 1) {
        return err_set(e, E_INVALID, "which session? Say one of %s",
                       v->names.data != NULL ? v->names.data : "TENANT/SESSION");
    }
    if (v->word == NULL) {
        return err_set(e, E_NOTFOUND,
                       "there is no session yet: wabridge sessions create TENANT/SESSION");
    }
    if (v->tenants > 1) {
        return err_set(e, E_INVALID, "%s: no tenant has such a session; say TENANT/%s", v->word,
                       v->word);
    }
    /* a new name, in the only tenant */
    snprintf(t->tenant, sizeof t->tenant, "%s", v->tenants == 1 ? v->tenant : "default");
    snprintf(t->session, sizeof t->session, "%s", v->word);
    return 0;
}

int target_find(struct client *cl, const char *word, struct target *t, struct err *e)
{
    if (word != NULL && strchr(word, '/') != NULL) {
        return split(word, t, e);
    }
    if (word != NULL && !text_is_name(word)) {
        return err_set(e, E_INVALID, "%s: say TENANT/SESSION, as in acme/main", word);
    }
    struct survey v = {.word = word};
    buf_init(&v.names, 160);
    int r = survey(cl, &v, e);
    if (r == 0) {
        r = choose(&v, t, e);
    }
    buf_finish(&v.names);
    return r;
}
