#include "http_rules.h"

#include "clock.h"
#include "crypto.h"
#include "retry.h"
#include "url_guard.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
    (void)purpose;
    struct http_rules *r = arg;
    if (!address_allowed(&a->addr, r->allow_private)) {
        r->forbidden = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

/* A kept-alive connection opens no socket, so that the peer is checked once more at each request.
 */
static int on_request(void *arg, char *peer_ip, char *local_ip, int peer_port, int local_port)
{
    (void)local_ip;
    (void)peer_port;
    (void)local_port;
    struct http_rules *r = arg;
    if (!address_text_allowed(peer_ip, r->allow_private)) {
        r->forbidden = true;
        return CURL_PREREQFUNC_ABORT;
    }
    return CURL_PREREQFUNC_OK;
}

void http_rules_apply(CURL *c, struct http_rules *r, uint64_t timeout_ms, uint64_t connect_ms)
{
    if (connect_ms > timeout_ms) {
        connect_ms = timeout_ms;
    }
    r->why[0] = '\0';
    (void)curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    (void)curl_easy_setopt(c, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L); /* else a slow name stalls the loop */
    (void)curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "wabridge/" WABRIDGE_VERSION);
    (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
    (void)curl_easy_setopt(c, CURLOPT_OPENSOCKETDATA, r);
    (void)curl_easy_setopt(c, CURLOPT_PREREQFUNCTION, on_request);
    (void)curl_easy_setopt(c, CURLOPT_PREREQDATA, r);
    (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, r->why);
}

bool http_retry_after(const char *line, size_t len, uint64_t *ms)
{
    static const char name[] = "retry-after:";
    size_t start = sizeof(name) - 1;
    char value[64];
    if (len <= start || strncasecmp(line, name, start) != 0) {
        return false;
    }
    while (start < len && (line[start] == ' ' || line[start] == '\t')) {
        start++;
    }
    while (len > start && (unsigned char)line[len - 1] <= ' ') {
        len--;
    }
    if (len - start >= sizeof(value)) {
        return false;
    }
    memcpy(value, line + start, len - start);
    value[len - start] = '\0';
    return retry_after_parse(value, clock_wall_ms(), ms);
}

void http_headers_free(struct curl_slist *headers)
{
    for (struct curl_slist *it = headers; it != NULL; it = it->next) {
        crypto_wipe(it->data, strlen(it->data));
    }
    curl_slist_free_all(headers);
}
