/* `wabridge send [TENANT/SESSION] TO TEXT` or `… TO --file FILE` */
#include "cli.h"
#include "tables.h"

#include "json.h"
#include "mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nothing leaves such a session soon: somebody has to do something first, or WhatsApp is away. */
static bool is_away(const char *status)
{
    static const char *const away[] = {"stopped",      "unlinked", "logged_out",
                                       "disconnected", "conflict", "failed"};
    for (size_t i = 0; i < sizeof away / sizeof away[0]; i++) {
        if (strcmp(away[i], status) == 0) {
            return true;
        }
    }
    return false;
}

/* "" or why the message stays in the queue for now. An unknown session is told here too. */
static int look_at_session(struct client *cl, const struct target *t, char why[400], struct err *e)
{
    char path[160];
    struct answer a;
    snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s", t->tenant, t->session);
    int r = client_call(cl, "GET", path, NULL, NULL, &a, e);
    const char *status = json_str_or(a.json, "status", "");
    why[0] = '\0';
    if (r == 0 && strcmp(status, "unlinked") == 0) {
        snprintf(why, 400, "the session is not linked: wabridge link %s/%s", t->tenant, t->session);
    } else if (r == 0 && is_away(status)) {
        const char *reason = json_str_or(a.json, "status_reason", "");
        snprintf(why, 400, "the session is %s%s%s", status, reason[0] != '\0' ? ": " : "", reason);
    }
    answer_free(&a);
    return r;
}

/* As which kind of message a file goes: as said, else by what it is. */
static const char *type_of(const char *said, const char *mimetype)
{
    static const char *const pictures[] = {"image/jpeg", "image/png", "image/webp", "image/gif"};
    static const char *const films[] = {"video/mp4", "video/3gpp", "video/quicktime", "video/webm"};
    if (said != NULL) {
        return said;
    }
    for (size_t i = 0; i < 4; i++) {
        if (strcmp(pictures[i], mimetype) == 0) {
            return "image";
        }
        if (strcmp(films[i], mimetype) == 0) {
            return "video";
        }
    }
    return strncmp(mimetype, "audio/", 6) == 0 ? "audio" : "document";
}

/* Uploads the file; gives the body of the send, or NULL and e. */
static json_t *file_body(struct cli *c, struct client *cl, const struct target *t, const char *to,
                         struct err *e)
{
    struct answer a = {0};
    const char *slash = strrchr(c->file, '/');
    const char *name = slash != NULL ? slash + 1 : c->file;
    char *escaped = client_escape(cl, name);
    char *path =
        escaped != NULL ? mem_printf("/v1/tenants/%s/media?filename=%s", t->tenant, escaped) : NULL;
    json_t *body = NULL;
    int r = path != NULL ? client_upload(cl, path, c->file, &a, e)
                         : err_set(e, E_NOMEM, "out of memory");
    if (r == 0) {
        const char *type = type_of(c->type, json_str_or(a.json, "mimetype", ""));
        json_t *file =
            json_pack("{s:s, s:s, s:s*}", "media_id", json_str_or(a.json, "media_id", ""),
                      "filename", name, "caption", c->caption);
        body = json_pack("{s:s, s:o}", "to", to, type, file);
        if (body == NULL) {
            err_set(e, E_INVALID, "the number, the caption and the file's name must be UTF-8");
        }
    }
    answer_free(&a);
    free(path);
    free(escaped);
    return body;
}

static json_t *text_body(const char *to, const char *text, struct err *e)
{
    json_t *body = json_pack("{s:s, s:s}", "to", to, "text", text);
    if (body == NULL) {
        err_set(e, E_INVALID, "the number and the text must be UTF-8");
    }
    return body;
}

static int check_words(const struct cli *c, bool *named)
{
    int least = c->file != NULL ? 1 : 2;
    *named = c->word_count == least + 1;
    if (c->word_count != least && !*named) {
        return cli_usage(c->file != NULL ? "send [TENANT/SESSION] TO --file FILE"
                                         : "send [TENANT/SESSION] TO TEXT (quote the text)");
    }
    if (c->file == NULL && (c->caption != NULL || c->type != NULL)) {
        return cli_usage("--caption and --type go with --file");
    }
    if (!*named && target_looks_like(c->words[0])) {
        return cli_usage("send %s: TO%s is missing%s", c->words[0],
                         c->file != NULL ? "" : " or TEXT",
                         c->file != NULL ? "" : " (quote the text)");
    }
    return 0;
}

int cmd_send(struct cli *c)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct answer a = {0};
    struct target t;
    bool named;
    int r = check_words(c, &named);
    if (r != 0) {
        return r;
    }
    const char *to = c->words[named ? 1 : 0];
    r = client_open(c, &cl, &e);
    if (r == 0) {
        r = target_find(cl, named ? c->words[0] : NULL, &t, &e);
    }
    char why[400] = "";
    if (r == 0) {
        r = look_at_session(cl, &t, why, &e);
    }
    if (r == 0) {
        char path[224];
        json_t *body = c->file != NULL ? file_body(c, cl, &t, to, &e)
                                       : text_body(to, c->words[named ? 2 : 1], &e);
        r = e.code;
        if (r == 0) {
            snprintf(path, sizeof path, "/v1/tenants/%s/sessions/%s/messages%s", t.tenant,
                     t.session, why[0] == '\0' ? "?wait=server&timeout_s=15" : "");
            r = client_call(cl, "POST", path, NULL, body, &a, &e);
        }
        json_decref(body);
    }
    const json_t *error = json_obj(a.json, "error");
    if (r == 0 && c->json) {
        print_json(a.json);
    } else if (r == 0 && error == NULL) {
        const char *status = json_str_or(a.json, "status", "?");
        bool queued = strcmp(status, "queued") == 0;
        printf("%s: %s%s%s%s\n", json_str_or(a.json, "id", "?"), status,
               queued ? ", goes out when the session is ready" : "",
               queued && why[0] != '\0' ? "; " : "", queued ? why : "");
    }
    if (r == 0 && error != NULL) {
        r = err_set(&e, E_STATE, "not sent: %s (%s)", json_str_or(error, "detail", ""),
                    json_str_or(error, "code", "?"));
    }
    answer_free(&a);
    client_close(cl);
    return r == 0 ? EXIT_OK : cli_fail(&e);
}
