/* mend_profile DIR: does to a killed browser's profile what the daemon does before each start. */
#include "profile_priv.h"

#include <stdio.h>
#include <time.h>

int main(int argc, char **argv)
{
    struct profile p;
    struct err e;
    if (argc != 2) {
        fprintf(stderr, "usage: mend_profile DIR\n");
        return 2;
    }
    int r = profile_take(&p, argv[1], (uid_t)-1, (gid_t)-1, &e);
    while (r == E_EXISTS && p.orphan > 0) { /* the browser is still dying */
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        r = profile_take(&p, argv[1], (uid_t)-1, (gid_t)-1, &e);
    }
    if (r != 0) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    profile_release(&p);
    return 0;
}
