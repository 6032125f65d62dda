#include "people_mem.h"

#include "mem.h"

#include <stdlib.h>

int people_create(struct bridge *b, struct people **out, struct err *e)
{
    struct people *p = mem_calloc(1, sizeof(*p));
    (void)b;
    if (p == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    list_init(&p->pictures);
    list_init(&p->walks);
    list_init(&p->checks);
    *out = p;
    return 0;
}

void people_free(struct people *p)
{
    if (p != NULL) {
        pictures_free(p);
        facets_free(p);
        free(p);
    }
}
