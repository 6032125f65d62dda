/* Inside of the configuration. Private to cli/config*.c. */
#ifndef CLI_CONFIG_PRIV_H
#define CLI_CONFIG_PRIV_H

#include "config.h"

#include <limits.h>

struct value {
    char *text;       /* NULL: the schema's default */
    char origin[160]; /* "default", "wabridge.conf:12", "WABRIDGE_LOG_LEVEL", "flag --listen" */
};

struct config {
    struct value *values; /* parallel to config_schema */
    char *data_dir, *socket;
    char *args_text;   /* [browser] args, cut up in place */
    const char **args; /* into args_text, NULL-terminated */
    char wa_js[PATH_MAX];
};

#endif
