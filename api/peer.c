/* Apart from the rest, since <linux/tcp.h> and the <netinet/tcp.h> of uv.h exclude each other, and
 * only the former knows tcpi_bytes_acked. */
#include "peer.h"

#include <linux/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>

void peer_watch(int fd, unsigned timeout_ms)
{
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms));
}

bool peer_taken(int fd, uint64_t *bytes)
{
    struct tcp_info info;
    socklen_t len = sizeof(info);
    memset(&info, 0, sizeof(info));
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0) {
        return false;
    }
    *bytes = info.tcpi_bytes_acked;
    return true;
}
