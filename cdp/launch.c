/*
 * Finding Chromium and composing its command line. Every flag was measured or has a reason; the
 * numbers are PSS per session on Debian's Chromium 156.
 */
#include "launch_priv.h"

#include "discover_priv.h"
#include "mem.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Debian's wrappers in /usr/bin add flags of /etc/chromium.d and stay in between as a shell, so the
 * programs themselves come first. The shell needs 133 MB where chromium needs 170. */
static const char *const KNOWN_PATHS[] = {
    "/usr/lib/chromium/chromium-headless-shell",
    "/usr/lib/chromium/headless_shell",
    "/usr/lib/chromium/chromium",
    "/usr/lib/chromium-browser/chromium-browser",
    "/usr/lib64/chromium-browser/headless_shell",
    "/usr/lib64/chromium-browser/chromium-browser",
    "/opt/google/chrome/chrome",
};
static const char *const KNOWN_NAMES[] = {"chromium-headless-shell", "chrome-headless-shell",
                                          "chromium", "chromium-browser", "google-chrome"};

static const char *const COMMON_FLAGS[] = {
    "--no-first-run",
    "--no-default-browser-check",
    "--noerrdialogs", /* without it a foreign SingletonLock hangs instead of exiting */
    "--hide-crash-restore-bubble",
    "--disable-gpu",
    "--disable-software-rasterizer", /* no WebGL; -12 MB */
    "--mute-audio",
    "--password-store=basic", /* no keyring over D-Bus; cookies stay portable */
    /* nothing goes to third parties, nothing is fetched that the page did not ask for */
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-default-apps",
    "--disable-breakpad",
    /* its handlers leave the process group, and would be two more processes */
    "--disable-crashpad-for-testing",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--metrics-recording-only",
    /* a page nobody looks at keeps its timers: 1/s or none without */
    "--disable-background-timer-throttling",
    "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows",
    "--disable-hang-monitor",            /* long evaluations are ours */
    "--disable-ipc-flooding-protection", /* so are bursts */
    /* The last one: the spare renderer, -7 MB; one browser needs one. */
    ("--disable-features=Translate,MediaRouter,OptimizationHints,AcceptCHFrame,"
     "SpareRendererForSitePerProcess"),
    /* -16 MB, and a crash of the network service is then a crash of the browser, which we see; as
     * its own process its end closes every WebSocket and is reported by nothing. */
    "--enable-features=NetworkServiceInProcess2",
    "--js-flags=--optimize-for-size", /* -59 MB at the peak after loading, nothing later */
    /* One cached file may have an eighth of this, and the page's script has 8 MB. */
    "--disk-cache-size=67108864",
};

/* ---- finding ----------------------------------------------------------------------------- */

static bool runnable(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool find_in_path(const char *name, char *out, size_t out_len)
{
    const char *path = getenv("PATH");
    while (path && *path) {
        size_t len = strcspn(path, ":");
        int n = snprintf(out, out_len, "%.*s/%s", (int)len, path, name);
        if (len > 0 && path[0] == '/' && n > 0 && (size_t)n < out_len && runnable(out)) {
            return true;
        }
        path += len + (path[len] == ':');
    }
    return false;
}

static int give_path(const char *path, char *out, size_t out_len, struct err *e)
{
    if (snprintf(out, out_len, "%s", path) >= (int)out_len) {
        return err_set(e, E_INVALID, "the browser's path is too long");
    }
    return 0;
}

int cdp_find_browser(const char *configured, char *out, size_t out_len, struct err *e)
{
    if (configured && configured[0] != '\0') {
        if (configured[0] != '/') {
            return err_set(e, E_INVALID, "the browser's path must be absolute: %s", configured);
        }
        if (!runnable(configured)) {
            return err_set(e, E_NOTFOUND,
                           "no browser at %s: correct [browser] executable, or leave it out and "
                           "install the package chromium-headless-shell",
                           configured);
        }
        return give_path(configured, out, out_len, e);
    }
    for (size_t i = 0; i < sizeof(KNOWN_PATHS) / sizeof(KNOWN_PATHS[0]); i++) {
        if (runnable(KNOWN_PATHS[i])) {
            return give_path(KNOWN_PATHS[i], out, out_len, e);
        }
    }
    for (size_t i = 0; i < sizeof(KNOWN_NAMES) / sizeof(KNOWN_NAMES[0]); i++) {
        if (find_in_path(KNOWN_NAMES[i], out, out_len)) {
            return 0;
        }
    }
    return err_set(e, E_NOTFOUND,
                   "no Chromium found: install the package chromium-headless-shell (or chromium), "
                   "or set [browser] executable");
}

bool launch_is_shell(const char *executable)
{
    const char *slash = strrchr(executable, '/');
    const char *name = slash ? slash + 1 : executable;
    return strstr(name, "headless-shell") || strstr(name, "headless_shell");
}

/* ---- who --------------------------------------------------------------------------------- */

int launch_check_user(const struct cdp_browser_options *o, uid_t euid, struct launch_who *out,
                      struct err *e)
{
    uid_t uid = euid;
    *out = (struct launch_who){(uid_t)-1, (gid_t)-1};
    if (o->user && o->user[0] != '\0') {
        struct passwd pw, *found = NULL;
        char text[4096];
        if (getpwnam_r(o->user, &pw, text, sizeof(text), &found) != 0 || !found) {
            return err_set(e, E_NOTFOUND, "no such user: %s; correct [browser] user", o->user);
        }
        uid = pw.pw_uid;
        if (uid != euid) {
            if (euid != 0) {
                return err_set(e, E_FORBIDDEN,
                               "only root can run the browser as %s: start as root, or leave "
                               "[browser] user out",
                               o->user);
            }
            *out = (struct launch_who){pw.pw_uid, pw.pw_gid};
        }
    }
    if (uid == 0 && o->sandbox) {
        return err_set(e, E_FORBIDDEN,
                       "Chromium does not run as root in its sandbox: set [browser] user to an "
                       "unprivileged user, or sandbox = off");
    }
    return 0;
}

int cdp_check(const struct cdp_browser_options *o, struct err *e)
{
    char path[4096];
    struct launch_who who;
    if (o->attach) {
        struct ws_url url;
        return ws_url_parse(o->attach, &url, e);
    }
    int r = cdp_find_browser(o->executable, path, sizeof(path), e);
    return r != 0 ? r : launch_check_user(o, geteuid(), &who, e);
}

/* ---- arguments --------------------------------------------------------------------------- */

struct vector {
    char **v;
    size_t len, cap;
    bool failed;
};

/* Takes text. */
static void add(struct vector *a, char *text)
{
    if (!text || a->failed) {
        a->failed = true;
        free(text);
        return;
    }
    if (a->len + 2 > a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 32;
        char **v = mem_realloc(a->v, cap * sizeof(*v));
        if (!v) {
            a->failed = true;
            free(text);
            return;
        }
        a->v = v;
        a->cap = cap;
    }
    a->v[a->len++] = text;
    a->v[a->len] = NULL;
}

static char **finish(struct vector *a)
{
    if (a->failed) {
        launch_free_vector(a->v);
        return NULL;
    }
    return a->v;
}

void launch_free_vector(char **v)
{
    for (size_t i = 0; v && v[i]; i++) {
        free(v[i]);
    }
    free(v);
}

char **launch_args(const struct cdp_browser_options *o, const char *executable)
{
    struct vector a = {0};
    bool shell = launch_is_shell(executable);

    add(&a, mem_strdup(executable));
    if (!shell) {
        add(&a, mem_strdup("--headless=new"));
    }
    add(&a, mem_printf("--user-data-dir=%s", o->profile_dir));
    if (o->cache_dir) {
        add(&a, mem_printf("--disk-cache-dir=%s", o->cache_dir));
    }
    if (o->transport == CDP_PIPE) {
        add(&a, mem_strdup("--remote-debugging-pipe"));
    } else {
        add(&a, mem_strdup("--remote-debugging-address=127.0.0.1"));
        add(&a, mem_strdup("--remote-debugging-port=0"));
    }
    for (size_t i = 0; i < sizeof(COMMON_FLAGS) / sizeof(COMMON_FLAGS[0]); i++) {
        add(&a, mem_strdup(COMMON_FLAGS[i]));
    }
    add(&a, mem_strdup("--window-size=1000,700")); /* without one, --app windows have 0x0 */
    if (!o->sandbox) {
        add(&a, mem_strdup("--no-sandbox"));
    }
    for (size_t i = 0; o->extra_args && o->extra_args[i]; i++) {
        add(&a, mem_strdup(o->extra_args[i]));
    }
    /* The first blank page. A tabbed window of chromium brings a renderer of its own for the
     * address bar's popup (-51 MB without); an --app window has none, but takes only data: as
     * blank. */
    add(&a, mem_strdup(shell ? "about:blank" : "--app=data:text/html,"));
    return finish(&a);
}

char **launch_env(const char *home, const char *tmp)
{
    struct vector a = {0};
    add(&a, mem_strdup("PATH=/usr/local/bin:/usr/bin:/bin"));
    add(&a, mem_strdup("LANG=C.UTF-8"));
    add(&a, mem_printf("HOME=%s", home));
    add(&a, mem_printf("TMPDIR=%s", tmp));
    add(&a, mem_strdup("DBUS_SESSION_BUS_ADDRESS=disabled:")); /* no search for a bus */
    if (getenv("TZ")) {
        add(&a, mem_printf("TZ=%s", getenv("TZ")));
    }
    return finish(&a);
}
