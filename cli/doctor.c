/*
 * `wabridge doctor`: looks at what the daemon needs on this machine, without needing the daemon,
 * and says how to mend what is wrong. Exit code 1 when something is.
 */
#include "cli.h"
#include "tables.h"

#include "cdp.h"
#include "clock.h"
#include "json.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum verdict { GOOD, WARNING, BAD };

struct report {
    struct cli *cli;
    json_t *list;
    bool bad;
};

static void note(struct report *r, const char *what, enum verdict v, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void note(struct report *r, const char *what, enum verdict v, const char *fmt, ...)
{
    static const char *const words[] = {"ok", "warning", "problem"};
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    r->bad |= v == BAD;
    json_array_append_new(
        r->list, json_pack("{s:s, s:s, s:s}", "check", what, "result", words[v], "detail", text));
    if (!r->cli->json) {
        printf("%-8s %-12s %s\n", words[v], what, text);
    }
}

static void check_browser(struct report *r)
{
    struct config *c = r->cli->config;
    const char *exe = config_text(c, "browser", "executable");
    char path[PATH_MAX];
    struct err e = {0};
    if (config_text(c, "browser", "attach")[0] != '\0') {
        note(r, "browser", GOOD, "attached to %s, none is launched",
             config_text(c, "browser", "attach"));
        return;
    }
    if (cdp_find_browser(exe[0] != '\0' ? exe : NULL, path, sizeof path, &e) != 0) {
        note(r, "browser", BAD, "%s", e.msg);
        return;
    }
    note(r, "browser", GOOD, "%s", path);
    struct cdp_browser_options o = {
        .executable = exe[0] != '\0' ? exe : NULL,
        .profile_dir = config_data_dir(c),
        .user = config_browser_user(c),
        .sandbox = config_bool(c, "browser", "sandbox"),
    };
    if (cdp_check(&o, &e) != 0) {
        note(r, "sandbox", BAD, "%s", e.msg);
    } else if (!o.sandbox) {
        note(r, "sandbox", WARNING,
             "off: a hole in the browser is a hole in this machine. Set [browser] user and sandbox "
             "= on");
    } else {
        note(r, "sandbox", GOOD, "on%s%s", o.user != NULL ? ", as user " : "",
             o.user != NULL ? o.user : "");
    }
}

static void check_user_namespaces(struct report *r)
{
    FILE *f = fopen("/proc/sys/kernel/unprivileged_userns_clone", "re");
    int on = 1;
    if (f != NULL) {
        if (fscanf(f, "%d", &on) != 1) {
            on = 1;
        }
        fclose(f);
    }
    if (on == 0 && config_bool(r->cli->config, "browser", "sandbox")) {
        note(r, "namespaces", BAD,
             "unprivileged user namespaces are off, so the sandbox cannot work: sysctl "
             "kernel.unprivileged_userns_clone=1, or install chromium-sandbox");
    }
}

static void check_wa_js(struct report *r)
{
    char path[PATH_MAX];
    struct err e = {0};
    if (config_wa_js(r->cli->config, path, sizeof path, &e) != 0) {
        note(r, "wa-js", BAD, "%s", e.msg);
    } else {
        note(r, "wa-js", GOOD, "%s", path);
    }
}

static void check_disk(struct report *r, const char *dir)
{
    struct statvfs v;
    struct stat st;
    if (stat(dir, &st) != 0) {
        note(r, "data", errno == ENOENT ? GOOD : BAD, "%s: %s", dir,
             errno == ENOENT ? "made at the first start" : strerror(errno));
        return;
    }
    if (st.st_uid != geteuid()) {
        note(r, "data", BAD, "%s belongs to user %u, you are %u: run as that user, or chown it",
             dir, st.st_uid, geteuid());
    } else if ((st.st_mode & 077) != 0 && (st.st_mode & 077) != 011) {
        note(r, "data", WARNING, "%s is open to others: chmod 700 it", dir);
    } else {
        note(r, "data", GOOD, "%s", dir);
    }
    if (statvfs(dir, &v) == 0) {
        unsigned long long mb = (unsigned long long)v.f_bavail * v.f_frsize >> 20;
        note(r, "disk",
             mb < 200    ? BAD
             : mb < 1024 ? WARNING
                         : GOOD,
             "%llu MB free%s", mb,
             mb < 1024 ? ": a session's profile takes 20 to 200 MB; make room" : "");
    }
}

/* The name "host-pid" that Chromium's SingletonLock points to; ours are on this host. */
static void check_lock(struct report *r, const char *profile)
{
    char path[PATH_MAX], target[256], host[256] = "";
    if (snprintf(path, sizeof path, "%s/SingletonLock", profile) >= (int)sizeof path) {
        return;
    }
    ssize_t n = readlink(path, target, sizeof target - 1);
    if (n <= 0) {
        return;
    }
    target[n] = '\0';
    gethostname(host, sizeof host - 1);
    const char *dash = strrchr(target, '-');
    long pid = dash != NULL ? strtol(dash + 1, NULL, 10) : 0;
    size_t host_len = dash != NULL ? (size_t)(dash - target) : 0;
    bool here = strlen(host) == host_len && strncmp(host, target, host_len) == 0;
    if (here && pid > 0 && kill((pid_t)pid, 0) == 0) {
        note(r, "lock", GOOD, "%s is in use by process %ld", profile, pid);
    } else {
        note(r, "lock", WARNING,
             "%s has a stale lock (%s); the daemon removes it at the next start of the session",
             profile, target);
    }
}

static void each_dir(const char *dir, void (*fn)(struct report *, const char *), struct report *r)
{
    DIR *d = opendir(dir);
    struct dirent *entry;
    while (d != NULL && (entry = readdir(d)) != NULL) {
        char path[PATH_MAX];
        if (entry->d_name[0] == '.' ||
            snprintf(path, sizeof path, "%s/%s", dir, entry->d_name) >= (int)sizeof path) {
            continue;
        }
        fn(r, path);
    }
    if (d != NULL) {
        closedir(d);
    }
}

static void check_tenant_locks(struct report *r, const char *tenant_dir)
{
    each_dir(tenant_dir, check_lock, r);
}

static void check_clock(struct report *r)
{
    char now[CLOCK_RFC3339_LEN];
    uint64_t ms = clock_wall_ms();
    clock_rfc3339(ms, now);
    const uint64_t year_2025 = 1735689600000u;
    note(r, "clock", ms < year_2025 ? BAD : GOOD, "%s%s", now,
         ms < year_2025 ? ": wrong. Signatures and links depend on it; install chrony" : "");
}

static void check_files(struct report *r)
{
    struct rlimit l;
    if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_max < 8192) {
        note(r, "files", l.rlim_max < 1024 ? BAD : WARNING,
             "at most %llu open files: a browser needs about 200; raise LimitNOFILE",
             (unsigned long long)l.rlim_max);
    }
}

static size_t drop_body(char *data, size_t size, size_t n, void *user)
{
    (void)data;
    (void)user;
    return size * n;
}

static void check_origin(struct report *r)
{
    const char *origin = config_text(r->cli->config, "page", "origin");
    CURL *curl = curl_easy_init();
    curl_easy_setopt(curl, CURLOPT_URL, origin);
    curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 8000L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, drop_body);
    CURLcode rc = curl_easy_perform(curl);
    if (rc == CURLE_OK) {
        note(r, "origin", GOOD, "%s answers", origin);
    } else {
        note(r, "origin", WARNING,
             "%s: %s. Check DNS, the firewall and the proxy; nothing can link without it", origin,
             curl_easy_strerror(rc));
    }
    curl_easy_cleanup(curl);
}

static void check_alerts(struct report *r, struct client *cl)
{
    struct err e = {0};
    struct answer a = {0};
    size_t i;
    const json_t *alert;
    if (client_call(cl, "GET", "/v1/alerts", NULL, NULL, &a, &e) != 0) {
        note(r, "alerts", WARNING, "%s", e.msg);
    }
    json_array_foreach(json_arr(a.json, "items"), i, alert)
    {
        note(r, "alert", WARNING, "%s of %s: %s. %s", json_str_or(alert, "alert", "?"),
             json_str_or(alert, "tenant", "this machine"), json_str_or(alert, "detail", "?"),
             json_str_or(alert, "help", ""));
    }
    answer_free(&a);
}

static void check_daemon(struct report *r)
{
    struct err e = {0};
    struct client *cl = NULL;
    struct answer a = {0};
    if (client_open(r->cli, &cl, &e) == 0 &&
        client_call(cl, "GET", "/health", NULL, NULL, &a, &e) == 0) {
        note(r, "daemon", GOOD, "running, version %s", json_str_or(a.json, "version", "?"));
        check_alerts(r, cl);
    } else {
        note(r, "daemon", WARNING, "%s", e.msg);
    }
    answer_free(&a);
    client_close(cl);
}

int cmd_doctor(struct cli *c)
{
    if (c->word_count > 0) {
        return cli_usage("doctor takes flags only");
    }
    struct report r = {.cli = c, .list = json_array()};
    char profiles[PATH_MAX];
    check_browser(&r);
    check_user_namespaces(&r);
    check_wa_js(&r);
    check_disk(&r, config_data_dir(c->config));
    snprintf(profiles, sizeof profiles, "%s/profiles", config_data_dir(c->config));
    each_dir(profiles, check_tenant_locks, &r);
    check_files(&r);
    check_clock(&r);
    check_origin(&r);
    check_daemon(&r);
    if (c->json) {
        print_json(r.list);
    }
    json_decref(r.list);
    return r.bad ? EXIT_NO : EXIT_OK;
}
