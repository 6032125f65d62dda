#include "api_priv.h"

#include "limit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool request_id_sane(const char *id)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t len = strspn(id, allowed);
    return len > 0 && len <= 64 && id[len] == '\0';
}

/* Digits of a port up to the end of the text; -1 when it is none. */
static long port_of(const char *s)
{
    long port = 0;
    size_t i = 0;
    for (; i < 5 && s[i] >= '0' && s[i] <= '9'; i++) {
        port = port * 10 + (s[i] - '0');
    }
    return i > 0 && s[i] == '\0' && port <= 65535 ? port : -1;
}

static int bad_address(const char *text, struct err *e)
{
    return err_set(
        e, E_INVALID,
        "cannot listen on \"%.80s\": write it as 127.0.0.1:3000, [::1]:3000 or, for every "
        "address of this machine, 0.0.0.0:3000",
        text);
}

int listen_parse(const char *text, struct listen_address *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    const char *colon = strrchr(text, ':');
    long port = colon != NULL ? port_of(colon + 1) : -1;
    bool brackets = text[0] == '[';
    const char *host = brackets ? text + 1 : text;
    size_t len = colon != NULL && colon >= host ? (size_t)(colon - host) : 0;
    if (port < 0 || (brackets && (len < 2 || host[--len] != ']')) || len >= sizeof(out->host)) {
        return bad_address(text, e);
    }
    memcpy(out->host, host, len);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
    if (strcasecmp(out->host, "localhost") == 0) {
        v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    } else if (!brackets && strcmp(out->host, "*") == 0) {
        v4.sin_addr.s_addr = htonl(INADDR_ANY);
    } else if (brackets) {
        if (inet_pton(AF_INET6, out->host, &v6.sin6_addr) != 1) {
            return bad_address(text, e);
        }
        out->loopback = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
        out->len = sizeof(v6);
        memcpy(&out->addr, &v6, sizeof(v6));
        return 0;
    } else if (inet_pton(AF_INET, out->host, &v4.sin_addr) != 1) {
        return bad_address(text, e);
    }
    out->loopback = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
    out->len = sizeof(v4);
    memcpy(&out->addr, &v4, sizeof(v4));
    return 0;
}

bool host_is_ours(const char *host, const char *listen_host)
{
    char name[80];
    size_t len = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
    if (len >= sizeof(name) || len > strlen(host)) {
        return false;
    }
    if (host[len] != '\0' &&
        (host[len] != ':' || (host[len + 1] != '\0' && port_of(host + len + 1) < 0))) {
        return false;
    }
    bool brackets = host[0] == '[';
    memcpy(name, host + (brackets ? 1 : 0), len);
    name[brackets ? len - 2 : len] = '\0';
    if (brackets) {
        return strcmp(name, "::1") == 0 || strcasecmp(name, listen_host) == 0;
    }
    return strcasecmp(name, "localhost") == 0 || strcmp(name, "127.0.0.1") == 0 ||
           (name[0] != '\0' && strcasecmp(name, listen_host) == 0);
}

int listen_tcp(const char *text, struct listen_address *out, int *fd, struct err *e)
{
    int rc = listen_parse(text, out, e);
    if (rc != 0) {
        return rc;
    }
    int one = 1;
    int zero = 0;
    int s = socket(out->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return err_sys(e, E_IO, errno, "cannot make a socket to listen on %s", text);
    }
    (void)setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (out->addr.ss_family == AF_INET6) {
        (void)setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    }
    if (bind(s, (struct sockaddr *)&out->addr, out->len) == 0 && listen(s, SOMAXCONN) == 0) {
        *fd = s;
        return 0;
    }
    int sys = errno;
    (void)close(s);
    switch (sys) {
    case EADDRINUSE:
        return err_set(
            e, E_EXISTS,
            "cannot listen on %s: another program already does. Stop it, or choose another "
            "port (listen = 127.0.0.1:3001)",
            text);
    case EACCES:
        return err_set(e, E_FORBIDDEN,
                       "cannot listen on %s: ports below 1024 need root or CAP_NET_BIND_SERVICE; "
                       "choose a port from 1024 up",
                       text);
    case EADDRNOTAVAIL:
        return err_set(e, E_INVALID,
                       "cannot listen on %s: this machine has no such address; use 127.0.0.1 for "
                       "this machine only or 0.0.0.0 for all its addresses",
                       text);
    default:
        return err_sys(e, E_IO, sys, "cannot listen on %s", text);
    }
}

int listen_adopt(int fd, struct listen_address *out, struct err *e)
{
    memset(out, 0, sizeof(*out));
    socklen_t len = sizeof(out->addr);
    int flags = fcntl(fd, F_GETFL);
    if (getsockname(fd, (struct sockaddr *)&out->addr, &len) != 0 || flags < 0 ||
        fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        return err_sys(e, E_INVALID, errno, "cannot use the socket that was handed over");
    }
    out->len = len;
    if (out->addr.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const void *)&out->addr;
        (void)inet_ntop(AF_INET, &v4->sin_addr, out->host, sizeof(out->host));
        out->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
    } else if (out->addr.ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)&out->addr;
        (void)inet_ntop(AF_INET6, &v6->sin6_addr, out->host, sizeof(out->host));
        out->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
    }
    return 0;
}

/* Is somebody there? 1: yes, 0: the file is stale or gone, else an errno (negative). */
static int somebody_listens(const struct sockaddr_un *addr)
{
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return -errno;
    }
    int rc = connect(s, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : errno;
    (void)close(s);
    if (rc == ECONNREFUSED || rc == ENOENT) {
        return 0;
    }
    return rc == 0 || rc == EAGAIN ? 1 : -rc; /* EAGAIN: its backlog is full */
}

static int make_room(const struct sockaddr_un *addr, struct err *e)
{
    struct stat st;
    const char *path = addr->sun_path;
    if (lstat(path, &st) != 0) {
        return 0; /* bind() says what is wrong, if something is */
    }
    if (!S_ISSOCK(st.st_mode)) {
        return err_set(
            e, E_EXISTS,
            "the socket path %s exists and is no socket: remove it or choose another path", path);
    }
    int there = somebody_listens(addr);
    if (there > 0) {
        return err_set(
            e, E_EXISTS,
            "another daemon already listens on the socket %s: stop it, or choose another "
            "socket or data directory",
            path);
    }
    if (there < 0) {
        return err_sys(e, E_FORBIDDEN, -there, "cannot tell whether somebody uses the socket %s",
                       path);
    }
    if (unlink(path) != 0 && errno != ENOENT) {
        return err_sys(e, E_FORBIDDEN, errno, "cannot remove the stale socket %s", path);
    }
    return 0;
}

static int check_socket_path(const char *path, struct err *e)
{
    size_t most = sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1;
    if (path[0] != '\0' && strlen(path) <= most) {
        return 0;
    }
    return err_set(e, E_INVALID,
                   "the socket path has %zu bytes and the system takes 1 to %zu: choose a shorter "
                   "one (socket = /run/wabridge.sock)",
                   strlen(path), most);
}

/* An origin: the page asks for its files and for /v1 at the root of its server. */
static int check_public_url(const char *url, struct err *e)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t len = strlen(url);
    size_t host = strspn(url + scheme, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                       "-._:[]");
    bool good = scheme > 0 && host > 0 && len <= API_MAX_PUBLIC_URL &&
                scheme + host + (url[scheme + host] == '/') == len;
    return good ? 0
                : err_set(e, E_INVALID,
                          "[server] public_url must be like https://wa.example.com, without a path "
                          "and with at most %d characters",
                          API_MAX_PUBLIC_URL);
}

int api_check(const struct api_config *c, struct err *e)
{
    struct listen_address a;
    int rc = c->listen != NULL ? listen_parse(c->listen, &a, e) : 0;
    struct proxies p;
    if (rc == 0 && c->trusted_proxies != NULL) {
        rc = proxies_parse(c->trusted_proxies, &p, e);
    }
    if (rc == 0 && (c->tls_cert == NULL) != (c->tls_key == NULL)) {
        rc = err_set(e, E_INVALID, "[server] tls_cert and tls_key belong together: set both");
    }
    if (rc == 0 && c->public_url != NULL) {
        rc = check_public_url(c->public_url, e);
    }
    return rc == 0 && c->socket != NULL ? check_socket_path(c->socket, e) : rc;
}

int listen_unix(const char *path, struct stat *made, int *fd, struct err *e)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int rc = check_socket_path(path, e);
    if (rc != 0) {
        return rc;
    }
    memcpy(addr.sun_path, path, strlen(path) + 1);
    rc = make_room(&addr, e);
    if (rc != 0) {
        return rc;
    }
    int s = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (s < 0) {
        return err_sys(e, E_IO, errno, "cannot make the socket %s", path);
    }
    if (bind(s, (struct sockaddr *)&addr, sizeof(addr)) != 0) {
        rc = errno == ENOENT
                 ? err_set(
                       e, E_INVALID,
                       "cannot make the socket %s: its directory does not exist; create it first",
                       path)
                 : err_sys(e, errno == EADDRINUSE ? E_EXISTS : E_FORBIDDEN, errno,
                           "cannot make the socket %s", path);
        (void)close(s);
        return rc;
    }
    /* nobody can connect before listen(), so there is no moment with a wider mode */
    if (chmod(path, S_IRUSR | S_IWUSR) != 0 || lstat(path, made) != 0 ||
        listen(s, SOMAXCONN) != 0) {
        rc = err_sys(e, E_IO, errno, "cannot listen on the socket %s", path);
        (void)unlink(path);
        (void)close(s);
        return rc;
    }
    *fd = s;
    return 0;
}
