/*
 * Checked state tables. An object with more than three states keeps a struct sm; a move that its
 * table does not allow is a programmer's error and stops the program with both names.
 * Thread: that of the owner.
 */
#ifndef BASE_SM_H
#define BASE_SM_H

#include <stdbool.h>
#include <stdint.h>

struct sm_state {
    const char *name;
    uint32_t allowed; /* bit mask of the states that may follow: SM_BIT(a) | SM_BIT(b) */
};
#define SM_BIT(state) (1u << (unsigned)(state))

struct sm {
    const struct sm_state *table;
    unsigned count;
    unsigned state;
};

void sm_init(struct sm *m, const struct sm_state *table, unsigned count, unsigned initial);
bool sm_may(const struct sm *m, unsigned next);
/* Aborts on a move that is not allowed. Moving to the present state is always allowed. */
void sm_move(struct sm *m, unsigned next);
const char *sm_name(const struct sm *m);

#endif
