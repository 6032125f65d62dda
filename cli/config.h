/*
 * Configuration: defaults < INI file < environment (WABRIDGE_SECTION_KEY) < flags. One table
 * (config_schema.c) names every key once, with its type, default and bounds; all else follows.
 * An unknown key or a bad value is an error that names the file and line, variable or flag.
 * Thread: main, before the loop runs.
 */
#ifndef CLI_CONFIG_H
#define CLI_CONFIG_H

#include "api.h"
#include "bridge.h"
#include "err.h"
#include "log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum config_type { CONFIG_TEXT, CONFIG_BOOL, CONFIG_NUMBER, CONFIG_CHOICE };

struct config_key {
    const char *section, *name;
    enum config_type type;
    const char *fallback; /* the default, as text */
    uint64_t min, max;    /* CONFIG_NUMBER */
    const char *choices;  /* CONFIG_CHOICE: "json|text" */
    bool secret;          /* masked by `config check` */
    const char *help;
};
extern const struct config_key config_schema[];
extern const size_t config_schema_count;

struct config;

/* Gives an object with the defaults of this machine and user. */
struct config *config_new(void);
void config_free(struct config *c);
/* Reads an INI file. E_NOTFOUND, E_INVALID with file:line. */
int config_read_file(struct config *c, const char *path, struct err *e);
/* Every WABRIDGE_SECTION_KEY of the environment; WABRIDGE_CONFIG and WABRIDGE_KEY are
 * left to the caller. */
int config_read_environment(struct config *c, char *const *env, struct err *e);
/* From a flag; origin is shown by `config check`, e.g. "flag --listen". */
int config_set(struct config *c, const char *section, const char *name, const char *value,
               const char *origin, struct err *e);

/* Asking for a key that is not in the schema is a programmer's error (asserted). */
const char *config_text(const struct config *c, const char *section, const char *name);
uint64_t config_number(const struct config *c, const char *section, const char *name);
bool config_bool(const struct config *c, const char *section, const char *name);

/* Paths that follow from others; valid until c changes. */
const char *config_data_dir(struct config *c);
const char *config_socket(struct config *c);
/* wa-js: the configured file, else <data>/wa-js.js, else the installed one, else the one that
 * `npm ci` put beside the build. E_NOTFOUND says where it was looked for. */
int config_wa_js(struct config *c, char *out, size_t out_len, struct err *e);

/* [browser] user; when root has set none and keeps the sandbox on, the system user `wabridge` if
 * scripts/setup made it. NULL: the daemon's own user. */
const char *config_browser_user(const struct config *c);

/* The configuration of the bridge; texts borrowed from c. args: storage for the split
 * [browser] args, freed by config_free(). E_INVALID: a wrong setting; E_NOTFOUND: no wa-js, out is
 * filled. */
int config_to_bridge(struct config *c, struct bridge_config *out, struct err *e);

/* [limits] and [server] trusted_proxies of the API; texts borrowed from c. */
void config_to_limits(const struct config *c, struct api_config *out);

/* wabridge.conf(5) as roff. (config_man.c) */
void config_man(FILE *out);
/* "[section]" blocks with `key = value  ; origin`. */
void config_print(struct config *c, FILE *out);
/* The same as a JSON array of {section,key,value,origin}. Gives. */
json_t *config_json(struct config *c);

#endif
