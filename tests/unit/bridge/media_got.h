/* What comes of a file that is asked for: an error, or what is known of it. */
#ifndef TEST_BRIDGE_MEDIA_GOT_H
#define TEST_BRIDGE_MEDIA_GOT_H

#include "box_fixture.h"

#include "media_priv.h"

struct got {
    bool done;
    struct err err;
    struct media_info info;
};

static inline void on_got(void *arg, const struct err *e, const struct media_info *info)
{
    struct got *g = arg;
    assert_false(g->done);
    g->done = true;
    err_copy(&g->err, e);
    if (info != NULL) {
        g->info = *info;
    }
}

static inline const char *word(const struct got *g)
{
    return g->err.code == 0 ? "" : err_word_of(&g->err);
}

#endif
