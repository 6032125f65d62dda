/*
 * A picture as the bridge hands it out, and those of people and groups.
 *
 * Thread: loop. What holds for every function of the bridge stands in bridge.h.
 */
#ifndef BRIDGE_PUBLIC_PICTURES_H
#define BRIDGE_PUBLIC_PICTURES_H

#include "public/answers.h"

#include <stddef.h>

struct bridge_picture {
    const char *mimetype;
    const void *data; /* borrowed during the callback */
    size_t len;
};
typedef void (*bridge_picture_fn)(void *arg, const struct bridge_picture *p, const struct err *e);
/* Of a person or group. E_NOTFOUND "no_picture". */
void bridge_picture_get(struct bridge *b, const char *tenant, const char *session, const char *who,
                        bridge_picture_fn fn, void *arg);

#endif
