/*
 * Opens the data directory of a daemon that has ended and compares every index and count of its
 * store with the records. Prints the first disagreement. Usage: store_check DATA_DIR
 */
#include "store.h"

#include <stdio.h>
#include <uv.h>

static void on_closed(void *arg)
{
    (void)arg;
}

static int check(struct store *s, struct err *e)
{
    struct store_txn *t;
    int rc = store_read(s, &t, e);
    if (rc == 0) {
        rc = store_check(t, e);
        store_read_end(t);
    }
    return rc;
}

int main(int argc, char **argv)
{
    char dir[4096];
    uv_loop_t loop;
    struct store *s;
    struct err e;
    if (argc != 2 || snprintf(dir, sizeof(dir), "%s/store", argv[1]) >= (int)sizeof(dir)) {
        (void)fputs("usage: store_check DATA_DIR\n", stderr);
        return 2;
    }
    if (uv_loop_init(&loop) != 0) {
        (void)fputs("no event loop\n", stderr);
        return 2;
    }
    const struct store_options o = {.dir = dir, .loop = &loop};
    int rc = store_open(&o, &s, &e);
    if (rc == 0) {
        rc = check(s, &e);
        store_close(s, on_closed, NULL);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
    }
    (void)uv_loop_close(&loop);
    if (rc != 0) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], e.msg);
    }
    return rc != 0;
}
