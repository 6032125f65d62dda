/* What the kernel knows of the other end of a TCP connection. Private to api/. Thread: any. */
#ifndef API_PEER_H
#define API_PEER_H

#include <stdbool.h>
#include <stdint.h>

/* What we send must be acknowledged within timeout_ms, or the connection ends; silent peers are
 * asked now and then whether they live. Nothing on a socket of another kind. */
void peer_watch(int fd, unsigned timeout_ms);
/* Bytes that the peer has acknowledged; false: not TCP. */
bool peer_taken(int fd, uint64_t *bytes);

#endif
