/* JSON Schemas of the contract's objects, by name. Private to api/. */
#ifndef API_SCHEMAS_H
#define API_SCHEMAS_H

#include <stddef.h>

struct schema {
    const char *name;
    const char *json;
};
extern const struct schema schemas[];
extern const size_t schema_count;

#endif
