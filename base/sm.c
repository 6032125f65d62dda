#include "sm.h"

#include "log.h"

#include <assert.h>
#include <stdlib.h>

void sm_init(struct sm *m, const struct sm_state *table, unsigned count, unsigned initial)
{
    assert(count > 0 && count <= 32 && initial < count);
    m->table = table;
    m->count = count;
    m->state = initial;
}

bool sm_may(const struct sm *m, unsigned next)
{
    return next < m->count &&
           (next == m->state || (m->table[m->state].allowed & SM_BIT(next)) != 0);
}

void sm_move(struct sm *m, unsigned next)
{
    if (!sm_may(m, next)) {
        log_error(NULL, "sm.forbidden", "%s -> %s is not in the table", sm_name(m),
                  next < m->count ? m->table[next].name : "a state out of range");
        abort();
    }
    m->state = next;
}

const char *sm_name(const struct sm *m)
{
    return m->table[m->state].name;
}
