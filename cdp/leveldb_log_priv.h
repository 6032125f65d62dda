/*
 * A LevelDB log as bytes (log_format.md and write_batch.cc of LevelDB). Pure. Thread: any.
 */
#ifndef CDP_LEVELDB_LOG_H
#define CDP_LEVELDB_LOG_H

#include "buf.h"

#include <stdint.h>

struct bytes { /* borrowed */
    const unsigned char *p;
    size_t len;
};

#define LEVELDB_BATCH_HEADER 12u /* seq and count */

/* fn returns 0 to go on; anything else ends the visit with it. */
typedef int (*leveldb_batch_fn)(void *arg, const unsigned char *batch, size_t len);
/* Every batch in order. joined: room for len bytes, which the batches point into and the caller
 * keeps as long as he needs them. -1 when the log is not whole records from end to end. */
int leveldb_log_batches(const unsigned char *log, size_t len, unsigned char *joined,
                        leveldb_batch_fn fn, void *arg);

struct leveldb_batch {
    uint64_t seq; /* of its first write */
    uint32_t count;
    struct bytes rest;
};
struct leveldb_write {
    bool put; /* else a deletion, without a value */
    struct bytes key, value;
};
bool leveldb_batch_open(const unsigned char *batch, size_t len, struct leveldb_batch *out);
/* 1: a write; 0: the end; -1: not a batch. */
int leveldb_batch_next(struct leveldb_batch *b, struct leveldb_write *w);

/* Takes a varint, or what one says the length of, off the front; false when it is not there. */
bool leveldb_varint(struct bytes *in, uint64_t *out);
bool leveldb_slice(struct bytes *in, struct bytes *out);

/* A batch is begun, gets its writes, and is framed as the records that go at offset `at` of a log.
 * Failures stay in out->failed. */
void leveldb_batch_begin(struct buf *out, uint64_t seq);
void leveldb_batch_add(struct buf *out, const struct leveldb_write *w);
void leveldb_log_frame(struct buf *out, size_t at, const unsigned char *batch, size_t len);

#endif
