/*
 * TLS for the TCP listener (OpenSSL): a connection is decrypted here and goes on as a plain one inside
 * of this process, so that everything behind sees the same bytes as without TLS. Thread: loop.
 */
#ifndef API_TLS_H
#define API_TLS_H

#include "err.h"

#include <uv.h>

struct tls;

/* PEM files: the certificate with its chain, and its key. E_NOTFOUND, E_FORBIDDEN, E_INVALID say which
 * file and what is wrong. Files that changed are read again, looked at once a minute when somebody
 * connects; when they cannot be used the old certificate stays and the log says why. */
int tls_create(uv_loop_t *loop, const char *cert, const char *key, struct tls **out, struct err *e);
/* Takes fd, a connection just accepted, and gives the descriptor of its plain side: closing it ends
 * the connection once what was written is out. At most max connections at once, those counted whose
 * plain side is closed and whose client has not taken everything yet; of these the oldest is ended
 * when there is no room. E_IO (out of descriptors), E_NOMEM, E_UNAVAILABLE: fd stays the
 * caller's. */
int tls_begin(struct tls *t, int fd, unsigned max, int *plain, struct err *e);
/* Ends connections whose client takes too little of what waits for it. now: clock_mono_ms(). To be
 * called now and then. */
void tls_sweep(struct tls *t, uint64_t now);
/* Ends every connection and frees; NULL accepted. Its handles close in the next turns of the loop. */
void tls_free(struct tls *t);

#endif
