/*
 * Where the master key comes from: WABRIDGE_MASTER_KEY (base64 of 32 bytes), else [store]
 * master_key_file, else the systemd credential wabridge-master-key, else the store's own file.
 *
 * The variable is copied into this program's memory and wiped where the kernel shows it
 * (/proc/<pid>/environ is the memory that the program was started with) before anything else runs.
 */
#include "cli.h"

#include "crypto.h"
#include "store.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE "WABRIDGE_MASTER_KEY"
#define CREDENTIAL "wabridge-master-key"
#define TEXT_MAX 128

static struct {
    char text[TEXT_MAX]; /* as it came; "" when none did */
    bool set, too_long;
    unsigned char key[STORE_KEY_LEN];
    char path[PATH_MAX];
} taken;

static void forget(void)
{
    crypto_wipe(&taken, sizeof(taken));
}

void master_key_take(char **env)
{
    static const char prefix[] = VARIABLE "=";
    for (; env != NULL && *env != NULL; env++) {
        if (strncmp(*env, prefix, sizeof(prefix) - 1) != 0) {
            continue;
        }
        char *value = *env + sizeof(prefix) - 1;
        size_t len = strlen(value);
        taken.set = true;
        taken.too_long = len >= sizeof(taken.text);
        if (!taken.too_long) {
            memcpy(taken.text, value, len + 1);
        }
        crypto_wipe(value, len);
    }
    (void)unsetenv(VARIABLE);
    if (taken.set) {
        (void)atexit(forget);
    }
}

static int from_variable(struct err *e)
{
    unsigned char bytes[TEXT_MAX];
    size_t len = 0;
    int rc = taken.too_long
                 ? E_INVALID
                 : crypto_base64_decode(taken.text, strlen(taken.text), bytes, &len);
    if (rc == 0 && len == STORE_KEY_LEN) {
        memcpy(taken.key, bytes, len);
    }
    crypto_wipe(bytes, sizeof(bytes));
    return rc == 0 && len == STORE_KEY_LEN
               ? 0
               : err_set(e, E_INVALID, VARIABLE " is not the base64 of %d bytes: make one with "
                                                "`openssl rand -base64 32`", STORE_KEY_LEN);
}

/* False: there is none, or its path is too long to be one. */
static bool find_credential(void)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (dir == NULL || dir[0] != '/') {
        return false;
    }
    int n = snprintf(taken.path, sizeof(taken.path), "%s/" CREDENTIAL, dir);
    return n > 0 && (size_t)n < sizeof(taken.path) && access(taken.path, F_OK) == 0;
}

int master_key_source(struct cli *c, struct store_options *o, struct err *e)
{
    const char *file = config_text(c->config, "store", "master_key_file");
    if (taken.set) {
        int rc = from_variable(e);
        o->master_key = taken.key;
        o->key_from = VARIABLE;
        return rc;
    }
    if (file[0] != '\0') {
        o->key_file = o->key_from = file;
        return file[0] == '/' ? 0
                              : err_set(e, E_INVALID,
                                        "[store] master_key_file = %s: say it from / on", file);
    }
    if (find_credential()) {
        o->key_file = taken.path;
        o->key_from = "the credential " CREDENTIAL;
    }
    return 0;
}
