/*
 * The command line speaks to the daemon as any other client does: HTTP with a key, over the Unix
 * socket in the data directory. Blocking: the command has nothing else to do.
 */
#include "cli.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER_MAX (16u << 20)

struct client {
    CURL *curl;
    char *socket;
    struct curl_slist *headers;
};

/* NULL with errno when there is none to read. */
static char *read_key(const char *data_dir)
{
    const char *env = getenv("WABRIDGE_KEY");
    if (env != NULL) {
        return mem_strdup(env);
    }
    char *path = mem_printf("%s/admin.key", data_dir);
    FILE *f = path != NULL ? fopen(path, "re") : NULL;
    int why = path != NULL ? errno : ENOMEM;
    free(path);
    if (f == NULL) {
        errno = why;
        return NULL;
    }
    char line[256];
    char *key = NULL;
    if (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\r\n")] = '\0';
        key = mem_strdup(line);
    }
    fclose(f);
    errno = key == NULL ? ENODATA : 0;
    return key;
}

static int no_key(const char *data_dir, int why, struct err *e)
{
    if (why == ENOENT || why == ENOTDIR) {
        return err_set(e, E_AUTH,
                       "no daemon has ever run with the data directory %s (it has no admin.key): "
                       "start one with `wabridge serve` or scripts/run, or name the directory with "
                       "--data-dir",
                       data_dir);
    }
    return err_set(e, E_AUTH,
                   "cannot read the key in %s/admin.key: %s. Run this as the daemon's user (sudo), "
                   "or give a key in WABRIDGE_KEY",
                   data_dir, strerror(why));
}

int client_open(struct cli *c, struct client **out, struct err *e)
{
    struct client *cl = mem_calloc(1, sizeof *cl);
    if (cl == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    char *key = read_key(config_data_dir(c->config));
    if (key == NULL) {
        int why = errno;
        free(cl);
        return no_key(config_data_dir(c->config), why, e);
    }
    char *header = mem_printf("X-Api-Key: %s", key);
    mem_wipe_free(key, strlen(key));
    cl->socket = mem_strdup(config_socket(c->config));
    cl->curl = curl_easy_init();
    if (header != NULL) {
        cl->headers = curl_slist_append(NULL, header);
    }
    free(header);
    if (cl->socket == NULL || cl->curl == NULL || cl->headers == NULL) {
        client_close(cl);
        return err_set(e, E_NOMEM, "out of memory");
    }
    *out = cl;
    return 0;
}

void client_close(struct client *cl)
{
    if (cl == NULL) {
        return;
    }
    curl_easy_cleanup(cl->curl);
    curl_slist_free_all(cl->headers);
    free(cl->socket);
    free(cl);
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
    return buf_append(user, data, size * n) == 0 ? size * n : 0;
}

/* What a request carries; all NULL: nothing. */
struct payload {
    const char *text; /* JSON */
    FILE *file;       /* or bytes, from here to its end */
    curl_off_t size;
    int to;  /* where an answer of 2xx goes; -1: to memory */
    int sys; /* errno of a write that failed there */
    CURL *curl;
    struct buf *answer;
};

static size_t on_piece(char *data, size_t size, size_t n, void *user)
{
    struct payload *p = user;
    long status = 0;
    curl_easy_getinfo(p->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) {
        return on_body(data, size, n, p->answer);
    }
    for (size_t at = 0; at < size * n;) {
        ssize_t w = write(p->to, data + at, size * n - at);
        if (w < 0 && errno != EINTR) {
            p->sys = errno;
            return 0;
        }
        at += w > 0 ? (size_t)w : 0;
    }
    return size * n;
}

static int code_of_status(long status)
{
    switch (status) {
    case 401:
        return E_AUTH;
    case 403:
        return E_FORBIDDEN;
    case 404:
        return E_NOTFOUND;
    case 409:
        return E_CONFLICT;
    case 400:
    case 422:
        return E_INVALID;
    case 429:
        return E_LIMIT;
    case 503:
        return E_UNAVAILABLE;
    default:
        return E_INTERNAL;
    }
}

/* The words of an application/problem+json answer. */
static int problem(const struct answer *a, struct err *e)
{
    const char *detail = json_str_or(a->json, "detail", json_str(a->json, "title"));
    int r =
        err_set(e, code_of_status(a->status), "%s", detail != NULL ? detail : "no reason given");
    const json_t *first = json_array_get(json_arr(a->json, "errors"), 0);
    if (first != NULL && json_str(first, "field") != NULL) {
        err_set(e, r, "%s: %s", json_str(first, "field"), json_str_or(first, "detail", ""));
    }
    return r;
}

static struct curl_slist *with_header(struct curl_slist *list, const char *name, const char *value)
{
    char *line = mem_printf("%s: %s", name, value);
    struct curl_slist *longer = line != NULL ? curl_slist_append(list, line) : NULL;
    free(line);
    return longer != NULL ? longer : list;
}


static struct curl_slist *all_headers(const struct client *cl, const char *accept,
                                      const char *content_type)
{
    struct curl_slist *headers = NULL;
    for (const struct curl_slist *h = cl->headers; h != NULL; h = h->next) {
        headers = curl_slist_append(headers, h->data);
    }
    headers = with_header(headers, "Accept", accept != NULL ? accept : "application/json");
    headers = with_header(headers, "Expect", "");
    return content_type != NULL ? with_header(headers, "Content-Type", content_type) : headers;
}

static int perform(struct client *cl, const char *method, const char *path, const char *accept,
                   struct payload *p, struct answer *a, struct err *e)
{
    struct buf b;
    buf_init(&b, ANSWER_MAX);
    memset(a, 0, sizeof *a);
    char *url = mem_printf("http://localhost%s", path);
    struct curl_slist *headers = all_headers(cl, accept,
                                             p->file != NULL   ? "application/octet-stream"
                                             : p->text != NULL ? "application/json"
                                                               : NULL);
    curl_easy_reset(cl->curl);
    curl_easy_setopt(cl->curl, CURLOPT_UNIX_SOCKET_PATH, cl->socket);
    curl_easy_setopt(cl->curl, CURLOPT_URL, url);
    curl_easy_setopt(cl->curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(cl->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(cl->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(cl->curl, CURLOPT_WRITEDATA, &b);
    if (p->to >= 0) {
        p->curl = cl->curl;
        p->answer = &b;
        curl_easy_setopt(cl->curl, CURLOPT_WRITEFUNCTION, on_piece);
        curl_easy_setopt(cl->curl, CURLOPT_WRITEDATA, p);
    } else {
        curl_easy_setopt(cl->curl, CURLOPT_TIMEOUT_MS, 150000L);
    }
    curl_easy_setopt(cl->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(cl->curl, CURLOPT_PROXY, "");
    if (p->file != NULL) {
        curl_easy_setopt(cl->curl, CURLOPT_POST, 1L);
        curl_easy_setopt(cl->curl, CURLOPT_READDATA, p->file);
        curl_easy_setopt(cl->curl, CURLOPT_POSTFIELDSIZE_LARGE, p->size);
    } else if (p->text != NULL) {
        curl_easy_setopt(cl->curl, CURLOPT_POSTFIELDS, p->text);
    } else if (strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0) {
        curl_easy_setopt(cl->curl, CURLOPT_POSTFIELDS, "");
    }
    CURLcode rc = curl_easy_perform(cl->curl);
    curl_easy_getinfo(cl->curl, CURLINFO_RESPONSE_CODE, &a->status);
    curl_slist_free_all(headers);
    free(url);
    if (rc != CURLE_OK) {
        buf_finish(&b);
        if (rc == CURLE_COULDNT_CONNECT) {
            return err_set(e, E_UNAVAILABLE,
                           "no daemon answers at %s: start it with `wabridge serve` (or "
                           "scripts/run), or name its --data-dir or --socket",
                           cl->socket);
        }
        if (p->sys != 0) {
            return err_sys(e, p->sys == ENOSPC ? E_FULL : E_IO, p->sys, "cannot write the file");
        }
        return err_set(e, E_IO, "the daemon at %s: %s", cl->socket, curl_easy_strerror(rc));
    }
    a->body = buf_steal(&b, &a->len);
    if (a->body == NULL) {
        a->body = mem_strdup("");
    }
    a->json = a->len > 0 ? json_parse(a->body, a->len, ANSWER_MAX, NULL) : NULL;
    return a->status >= 200 && a->status < 300 ? 0 : problem(a, e);
}

int client_call(struct client *cl, const char *method, const char *path, const char *accept,
                const json_t *body, struct answer *a, struct err *e)
{
    char *text = body != NULL ? json_text(body, NULL) : NULL;
    struct payload p = {.text = text, .to = -1};
    int r = perform(cl, method, path, accept, &p, a, e);
    free(text);
    return r;
}

int client_download(struct client *cl, const char *path, const json_t *body, int fd,
                    struct answer *a, struct err *e)
{
    char *text = json_text(body, NULL);
    struct payload p = {.text = text, .to = fd};
    int r = perform(cl, "POST", path, "application/octet-stream, application/json", &p, a, e);
    if (text != NULL) {
        mem_wipe_free(text, strlen(text)); /* may hold a passphrase */
    }
    return r;
}

int client_upload(struct client *cl, const char *path, const char *file, struct answer *a,
                  struct err *e)
{
    struct stat st;
    memset(a, 0, sizeof *a);
    struct payload p = {.file = fopen(file, "rbe"), .to = -1};
    if (p.file == NULL) {
        return err_sys(e, errno == ENOENT ? E_NOTFOUND : E_FORBIDDEN, errno, "%s", file);
    }
    if (fstat(fileno(p.file), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) {
        fclose(p.file);
        return err_set(e, E_INVALID, "%s: not a file, or an empty one", file);
    }
    p.size = st.st_size;
    int r = perform(cl, "POST", path, NULL, &p, a, e);
    fclose(p.file);
    return r;
}

char *client_escape(struct client *cl, const char *text)
{
    char *escaped = curl_easy_escape(cl->curl, text, 0);
    char *copy = escaped != NULL ? mem_strdup(escaped) : NULL;
    curl_free(escaped);
    return copy;
}

void answer_free(struct answer *a)
{
    free(a->body);
    json_decref(a->json);
    memset(a, 0, sizeof *a);
}
