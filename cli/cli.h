/* The commands of the wabridge program and what they share. Private to cli/. */
#ifndef CLI_H
#define CLI_H

#include "config.h"

#include <jansson.h>

/* Exit codes: 0 worked, 1 it did not, 2 the command line or configuration is wrong. */
enum { EXIT_OK = 0, EXIT_NO = 1, EXIT_USAGE = 2 };

/* The command line, taken apart. Flags that a command does not know are refused before it runs. */
struct cli {
    struct config *config;
    const char *config_file; /* "" when none was read */
    bool json;
    bool new_admin_key; /* serve --new-admin-key */
    bool follow;        /* logs -f */
    const char *phone;  /* link --phone */
    const char *png;    /* link --png */
    const char *style;  /* link --style */
    unsigned lines;     /* logs --lines */
    const char *file;    /* send --file */
    const char *caption; /* send --caption */
    const char *type;    /* send --type */
    const char *new_key_file; /* master-key rotate --new-key-file */
    const char *key_file; /* backups --key-file */
    const char *as;       /* import-session --as */
    bool no_media, force, no_start, repair;
    const char *tenant, *role; /* dashboard --tenant, --role */
    bool no_open;              /* dashboard --no-open */
    char **words;       /* what is neither command nor flag */
    int word_count;
};

int cmd_serve(struct cli *c);
int cmd_config(struct cli *c);
int cmd_status(struct cli *c);
int cmd_sessions(struct cli *c);
int cmd_link(struct cli *c);
int cmd_send(struct cli *c);
int cmd_webhooks(struct cli *c);
int cmd_keys(struct cli *c);
int cmd_adapter(struct cli *c);
int cmd_logs(struct cli *c);
int cmd_usage(struct cli *c);
int cmd_doctor(struct cli *c);
int cmd_backup(struct cli *c);
int cmd_restore(struct cli *c);
int cmd_export_session(struct cli *c);
int cmd_import_session(struct cli *c);
int cmd_fsck(struct cli *c);
int cmd_dashboard(struct cli *c);

/* ---- the master key (docs/security.md) --------------------------------------------------------- */

int cmd_master_key(struct cli *c);
int cmd_audit(struct cli *c);
/* First thing in main(): WABRIDGE_MASTER_KEY is taken out of the environment, and wiped there, so
 * that neither a child nor /proc/<pid>/environ has it. */
void master_key_take(char **env);
/* Of the environment, [store] master_key_file, the credential, or (all NULL) the data directory.
 * Fills key_file or master_key, and key_from. Texts live as long as c. E_INVALID. */
struct store_options;
int master_key_source(struct cli *c, struct store_options *o, struct err *e);

/* "wabridge: …" on stderr; returns EXIT_NO (EXIT_USAGE for E_INVALID). */
int cli_fail(const struct err *e);
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- the daemon's API over its Unix socket --------------------------------------------------- */

struct client;

struct answer {
    long status;
    char *body; /* NUL-terminated, never NULL after 0 */
    size_t len;
    json_t *json; /* when it was JSON, else NULL */
};

/* Reads <data>/admin.key (or WABRIDGE_KEY). E_UNAVAILABLE when no daemon listens: says how to
 * start it. */
int client_open(struct cli *c, struct client **out, struct err *e);
void client_close(struct client *cl);
/* path: percent-encoded already; body NULL: none; accept NULL: application/json. 0 when an answer
 * of 2xx came; other answers give the problem's detail in e (code E_INTERNAL, E_NOTFOUND, …) and
 * the answer too. answer_free() in any case. */
int client_call(struct client *cl, const char *method, const char *path, const char *accept,
                const json_t *body, struct answer *a, struct err *e);
/* POSTs the bytes of a file, read as they go. As client_call(). E_NOTFOUND, E_FORBIDDEN, E_INVALID:
 * the file. */
int client_upload(struct client *cl, const char *path, const char *file, struct answer *a,
                  struct err *e);
/* POSTs body and writes the bytes that come to fd, for as long as they come. As client_call(). */
int client_download(struct client *cl, const char *path, const json_t *body, int fd,
                    struct answer *a, struct err *e);
/* A text as it may stand in a query; gives (free()), NULL: no memory. */
char *client_escape(struct client *cl, const char *text);
void answer_free(struct answer *a);

/* ---- TENANT/SESSION ----------------------------------------------------------------------------
 */

struct target {
    char tenant[64], session[64];
};
/* word NULL: the only session there is, else E_INVALID that lists them. "acme/main", or "main"
 * when only one tenant has it; a name that nobody has is one of the only tenant. */
int target_find(struct client *cl, const char *word, struct target *t, struct err *e);
/* True when the word can only be TENANT/SESSION (has a slash, no @ and no +). */
bool target_looks_like(const char *word);

#endif
