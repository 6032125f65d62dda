#include "config_priv.h"

#include "buf.h"
#include "json.h"
#include "mem.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

struct config *config_new(void)
{
    struct config *c = mem_calloc(1, sizeof *c);
    if (c == NULL) {
        return NULL;
    }
    c->values = mem_calloc(config_schema_count, sizeof *c->values);
    if (c->values == NULL) {
        free(c);
        return NULL;
    }
    for (size_t i = 0; i < config_schema_count; i++) {
        snprintf(c->values[i].origin, sizeof c->values[i].origin, "default");
    }
    return c;
}

void config_free(struct config *c)
{
    if (c == NULL) {
        return;
    }
    for (size_t i = 0; i < config_schema_count; i++) {
        free(c->values[i].text);
    }
    free(c->values);
    free(c->data_dir);
    free(c->socket);
    free(c->args_text);
    free(c->args);
    free(c);
}

/* ---- setting --------------------------------------------------------------------------------- */

static bool find_key(const char *section, const char *name, size_t *index)
{
    for (size_t i = 0; i < config_schema_count; i++) {
        if (strcmp(config_schema[i].section, section) == 0 &&
            strcmp(config_schema[i].name, name) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

static int parse_bool(const char *s)
{
    static const char *const yes[] = {"yes", "on", "true", "1"};
    static const char *const no[] = {"no", "off", "false", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(s, yes[i]) == 0) {
            return 1;
        }
        if (strcasecmp(s, no[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

static bool parse_number(const char *s, uint64_t *out)
{
    if (!isdigit((unsigned char)s[0])) {
        return false;
    }
    char *end;
    errno = 0;
    unsigned long long v = strtoull(s, &end, 10);
    if (errno != 0 || *end != '\0') {
        return false;
    }
    *out = v;
    return true;
}

static bool is_choice(const char *choices, const char *s)
{
    size_t len = strlen(s);
    for (const char *p = choices; *p != '\0';) {
        size_t n = strcspn(p, "|");
        if (n == len && strncmp(p, s, n) == 0) {
            return true;
        }
        p += n + (p[n] == '|');
    }
    return false;
}

static int check_value(const struct config_key *k, const char *v, const char *origin, struct err *e)
{
    uint64_t n;
    switch (k->type) {
    case CONFIG_BOOL:
        if (parse_bool(v) < 0) {
            return err_set(e, E_INVALID, "%s: [%s] %s = %s: say on or off", origin, k->section,
                           k->name, v);
        }
        return 0;
    case CONFIG_NUMBER:
        if (!parse_number(v, &n) || n < k->min || n > k->max) {
            return err_set(e, E_INVALID, "%s: [%s] %s = %s: a whole number from %llu to %llu",
                           origin, k->section, k->name, v, (unsigned long long)k->min,
                           (unsigned long long)k->max);
        }
        return 0;
    case CONFIG_CHOICE:
        if (!is_choice(k->choices, v)) {
            return err_set(e, E_INVALID, "%s: [%s] %s = %s: one of %s", origin, k->section, k->name,
                           v, k->choices);
        }
        return 0;
    case CONFIG_TEXT:
        break;
    }
    return 0;
}

int config_set(struct config *c, const char *section, const char *name, const char *value,
               const char *origin, struct err *e)
{
    size_t i;
    if (!find_key(section, name, &i)) {
        return err_set(e, E_INVALID, "%s: there is no setting [%s] %s; see docs/configuration.md",
                       origin, section, name);
    }
    int r = check_value(&config_schema[i], value, origin, e);
    if (r != 0) {
        return r;
    }
    char *copy = mem_strdup(value);
    if (copy == NULL) {
        return err_set(e, E_NOMEM, "out of memory");
    }
    free(c->values[i].text);
    c->values[i].text = copy;
    snprintf(c->values[i].origin, sizeof c->values[i].origin, "%s", origin);
    return 0;
}

struct file_reading {
    struct config *c;
    const char *path;
    struct err *e;
    int rc;
};

/* INI_HANDLER_LINENO is off in Debian's build, so the line comes from counting in read_line(). */
struct counted_file {
    FILE *f;
    int line;
};

static char *read_line(char *str, int num, void *stream)
{
    struct counted_file *cf = stream;
    char *r = fgets(str, num, cf->f);
    if (r != NULL) {
        cf->line++;
    }
    return r;
}

struct file_context {
    struct file_reading *reading;
    struct counted_file *file;
};

static int on_ini(void *user, const char *section, const char *name, const char *value)
{
    struct file_context *x = user;
    if (x->reading->rc != 0) {
        return 0;
    }
    char origin[160];
    size_t i;
    snprintf(origin, sizeof origin, "%s:%d", x->reading->path, x->file->line);
    size_t len = strlen(x->reading->path);
    if (find_key(section, name, &i) && x->reading->c->values[i].text != NULL &&
        strncmp(x->reading->c->values[i].origin, x->reading->path, len) == 0 &&
        x->reading->c->values[i].origin[len] == ':') {
        /* inih takes an indented line for more of the value above it */
        x->reading->rc = err_set(x->reading->e, E_INVALID,
                                 "%s: [%s] %s is set a second time (first at %s), or this line is "
                                 "indented",
                                 origin, section, name, x->reading->c->values[i].origin);
        return 0;
    }
    x->reading->rc = config_set(x->reading->c, section, name, value, origin, x->reading->e);
    return x->reading->rc == 0;
}

int config_read_file(struct config *c, const char *path, struct err *e)
{
    struct counted_file file = {fopen(path, "re"), 0};
    if (file.f == NULL) {
        return err_sys(e, errno == ENOENT ? E_NOTFOUND : E_IO, errno, "configuration file %s",
                       path);
    }
    struct file_reading reading = {c, path, e, 0};
    struct file_context x = {&reading, &file};
    int line = ini_parse_stream(read_line, &file, on_ini, &x);
    fclose(file.f);
    if (reading.rc != 0) {
        return reading.rc;
    }
    if (line != 0) {
        return err_set(e, E_INVALID, "%s:%d: neither a [section] nor key = value", path, line);
    }
    return 0;
}

/* WABRIDGE_OUTBOX_PER_MINUTE -> [outbox] per_minute: the schema decides where the section ends. */
static int set_from_variable(struct config *c, const char *name, size_t len, const char *value,
                             struct err *e)
{
    char want[96];
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *k = &config_schema[i];
        int n = snprintf(want, sizeof want, "WABRIDGE_%s_%s", k->section, k->name);
        if (n > 0 && (size_t)n == len && strncasecmp(want, name, len) == 0) {
            char origin[128];
            snprintf(origin, sizeof origin, "%.*s", (int)len, name);
            return config_set(c, k->section, k->name, value, origin, e);
        }
    }
    return err_set(e, E_INVALID,
                   "environment variable %.*s names no setting; see docs/configuration.md",
                   (int)len, name);
}

static bool is_variable(const char *entry, size_t len, const char *name)
{
    return strlen(name) == len && strncmp(entry, name, len) == 0;
}

int config_read_environment(struct config *c, char *const *env, struct err *e)
{
    static const char prefix[] = "WABRIDGE_";
    for (; *env != NULL; env++) {
        const char *eq = strchr(*env, '=');
        if (eq == NULL || strncmp(*env, prefix, sizeof prefix - 1) != 0) {
            continue;
        }
        size_t len = (size_t)(eq - *env);
        if (is_variable(*env, len, "WABRIDGE_CONFIG") || is_variable(*env, len, "WABRIDGE_KEY")) {
            continue; /* no settings: the file's name, and the key that the commands show */
        }
        int r = set_from_variable(c, *env, len, eq + 1, e);
        if (r != 0) {
            return r;
        }
    }
    return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

const char *config_text(const struct config *c, const char *section, const char *name)
{
    size_t i = 0;
    bool found = find_key(section, name, &i);
    assert(found);
    return c->values[i].text != NULL ? c->values[i].text : config_schema[i].fallback;
}

uint64_t config_number(const struct config *c, const char *section, const char *name)
{
    uint64_t n = 0;
    bool ok = parse_number(config_text(c, section, name), &n);
    assert(ok);
    return n;
}

bool config_bool(const struct config *c, const char *section, const char *name)
{
    return parse_bool(config_text(c, section, name)) == 1;
}

static char *default_data_dir(void)
{
    if (geteuid() == 0) {
        return mem_strdup("/var/lib/wabridge");
    }
    const char *xdg = getenv("XDG_DATA_HOME");
    if (xdg != NULL && xdg[0] == '/') {
        return mem_printf("%s/wabridge", xdg);
    }
    const char *home = getenv("HOME");
    if (home == NULL || home[0] != '/') {
        const struct passwd *pw = getpwuid(geteuid());
        home = pw != NULL ? pw->pw_dir : "/tmp";
    }
    return mem_printf("%s/.local/share/wabridge", home);
}

/* Keeps the text that callers hold while it stays the same. Takes now. */
static const char *keep(char **kept, char *now)
{
    if (*kept != NULL && now != NULL && strcmp(*kept, now) == 0) {
        free(now);
    } else {
        free(*kept);
        *kept = now;
    }
    return *kept != NULL ? *kept : "/nonexistent";
}

const char *config_data_dir(struct config *c)
{
    const char *set = config_text(c, "server", "data_dir");
    if (set[0] == '/') {
        return keep(&c->data_dir, mem_strdup(set));
    }
    if (set[0] == '\0') {
        return keep(&c->data_dir, default_data_dir());
    }
    char cwd[PATH_MAX];
    return keep(&c->data_dir,
                getcwd(cwd, sizeof cwd) != NULL ? mem_printf("%s/%s", cwd, set) : NULL);
}

const char *config_socket(struct config *c)
{
    const char *set = config_text(c, "server", "socket");
    return set[0] != '\0' ? set
                          : keep(&c->socket, mem_printf("%s/wabridge.sock", config_data_dir(c)));
}

static bool readable(const char *path)
{
    return access(path, R_OK) == 0;
}

int config_wa_js(struct config *c, char *out, size_t out_len, struct err *e)
{
    const char *set = config_text(c, "page", "wa_js");
    if (set[0] != '\0') {
        snprintf(out, out_len, "%s", set);
        return readable(out) ? 0
                             : err_set(e, E_NOTFOUND,
                                       "[page] wa_js = %s: no such file, or not readable", set);
    }
    snprintf(out, out_len, "%s/wa-js.js", config_data_dir(c));
    if (readable(out)) {
        return 0;
    }
    snprintf(out, out_len, "/usr/share/wabridge/wppconnect-wa.js");
    if (readable(out)) {
        return 0;
    }
    char exe[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n > 0) {
        exe[n] = '\0';
        char *slash = strrchr(exe, '/');
        if (slash != NULL) {
            *slash = '\0';
            int len = snprintf(out, out_len,
                               "%s/../node_modules/@wppconnect/wa-js/dist/wppconnect-wa.js", exe);
            if (len > 0 && (size_t)len < out_len && readable(out)) {
                return 0;
            }
        }
    }
    return err_set(e, E_NOTFOUND,
                   "wa-js is missing: run scripts/setup, or set [page] wa_js to a copy of "
                   "wppconnect-wa.js (also looked for %s/wa-js.js)",
                   c->data_dir);
}

/* ---- showing --------------------------------------------------------------------------------- */

/* What is in force, paths filled in; masked when secret. */
static const char *effective(struct config *c, size_t i)
{
    const struct config_key *k = &config_schema[i];
    const char *v = c->values[i].text != NULL ? c->values[i].text : k->fallback;
    if (k->secret && v[0] != '\0') {
        return "********";
    }
    if (strcmp(k->name, "data_dir") == 0) {
        return config_data_dir(c);
    }
    if (strcmp(k->name, "socket") == 0) {
        return config_socket(c);
    }
    if (strcmp(k->name, "user") == 0) {
        const char *user = config_browser_user(c);
        return user != NULL ? user : "";
    }
    if (strcmp(k->name, "wa_js") == 0) {
        return config_wa_js(c, c->wa_js, sizeof c->wa_js, NULL) == 0 ? c->wa_js : "(missing)";
    }
    return v;
}

void config_print(struct config *c, FILE *out)
{
    const char *section = "";
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *k = &config_schema[i];
        if (strcmp(section, k->section) != 0) {
            fprintf(out, "%s[%s]\n", i == 0 ? "" : "\n", k->section);
            section = k->section;
        }
        char left[PATH_MAX + 64];
        snprintf(left, sizeof left, "%s = %s", k->name, effective(c, i));
        fprintf(out, "%-48s ; %s\n", left, c->values[i].origin);
    }
}

json_t *config_json(struct config *c)
{
    json_t *list = json_array();
    for (size_t i = 0; i < config_schema_count; i++) {
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s}", "section", config_schema[i].section,
                                        "key", config_schema[i].name, "value", effective(c, i),
                                        "origin", c->values[i].origin));
    }
    return list;
}
