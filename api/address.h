/*
 * Names of hosts and listeners, and sockets that listen. Private to api/, any thread.
 * Errors name the address and what to do.
 */
#ifndef API_ADDRESS_H
#define API_ADDRESS_H

#include "err.h"

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/stat.h>

struct listen_address {
    struct sockaddr_storage addr;
    socklen_t len;
    bool loopback;
    char host[64]; /* as written, without brackets */
};
/* "127.0.0.1:3000", "[::1]:3000", "localhost:3000", "*:3000". E_INVALID says what is wrong. */
int listen_parse(const char *text, struct listen_address *out, struct err *e);
/* Is this Host header one that a listener on a loopback address answers to? Any port. */
bool host_is_ours(const char *host, const char *listen_host);
/* [A-Za-z0-9._-]{1,64} */
bool request_id_sane(const char *id);
/* A socket that listens already: its address; it no longer blocks. E_INVALID. */
int listen_adopt(int fd, struct listen_address *out, struct err *e);
/* Binds and listens; gives the descriptor. E_EXISTS, E_FORBIDDEN, E_INVALID, E_IO. */
int listen_tcp(const char *text, struct listen_address *out, int *fd, struct err *e);
/* Mode 0600; replaces a socket file that nobody listens on. made: what was created (its inode). */
int listen_unix(const char *path, struct stat *made, int *fd, struct err *e);

#endif
