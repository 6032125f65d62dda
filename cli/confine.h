/*
 * Least privilege for the daemon and all that it starts: what the kernel refuses them from then on.
 * Private to cli/. Thread: the main one, before there is another.
 */
#ifndef CLI_CONFINE_H
#define CLI_CONFINE_H

#include "cli.h"

#include <stdbool.h>

/* No core dumps, and nobody of the same user may read this process's memory. */
void confine_memory(void);

/* Below these, and in what every program needs (/tmp, /dev, /proc, cgroups), files may be written;
 * nowhere else. Programs may be executed from the system's folders and `executable`'s. */
struct confine_paths {
    const char *data_dir;
    const char *socket;     /* its folder; NULL: none */
    const char *log_file;   /* its folder; NULL: none */
    const char *executable; /* its folder; NULL: none is configured */
};
/* [security] confine: "off" does nothing; "auto" takes what this kernel has and logs what is missing;
 * "on" fails with E_UNSUPPORTED when something is. For good, and for every child. */
int confine(const char *mode, const struct confine_paths *p, struct err *e);

#endif
