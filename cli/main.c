/*
 * wabridge: `serve` is the daemon; every other command is a client of a running one. This file
 * takes the command line apart and finds the command.
 */
#include "cli.h"

#include <curl/curl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

enum {
    FLAG_JSON = 1 << 0,
    FLAG_LINK = 1 << 1,
    FLAG_LOGS = 1 << 2,
    FLAG_SERVE = 1 << 3,
    FLAG_SEND = 1 << 4,
    FLAG_MASTER_KEY = 1 << 16,
    FLAG_AUDIT = 1 << 17,
    FLAG_ARCHIVE = 1 << 8, /* --key-file, --no-media, --force */
    FLAG_IMPORT = 1 << 9,
    FLAG_FSCK = 1 << 10,
    FLAG_DASHBOARD = 1 << 11,
};

static const struct command {
    const char *name;
    int (*run)(struct cli *c);
    unsigned flags;
    const char *words, *help;
} commands[] = {
    {"serve", cmd_serve, FLAG_SERVE, "", "run the daemon"},
    {"status", cmd_status, FLAG_JSON, "", "health of the daemon and its sessions"},
    {"dashboard", cmd_dashboard, FLAG_JSON | FLAG_DASHBOARD, "[--tenant TENANT] [--role ROLE] [--no-open]",
     "a link that signs one person in to the web page; opened when there is a desktop"},
    {"link", cmd_link, FLAG_JSON | FLAG_LINK, "[TENANT/SESSION]",
     "link an account: shows a QR code or a pairing code"},
    {"send", cmd_send, FLAG_JSON | FLAG_SEND, "[TENANT/SESSION] TO TEXT | TO --file FILE",
     "send a text, or a file"},
    {"sessions", cmd_sessions, FLAG_JSON,
     "[create|start|stop|restart|hibernate|wake|logout|takeover|delete TENANT/SESSION]",
     "list or change sessions"},
    {"webhooks", cmd_webhooks, FLAG_JSON,
     "[TENANT | add TENANT/NAME URL | test|deliveries|dead|redrive|delete TENANT/NAME]",
     "list or change webhooks"},
    {"keys", cmd_keys, FLAG_JSON,
     "[list [TENANT] | create [TENANT] NAME=VALUE… | rotate|delete [TENANT/]KEY]",
     "list or change keys; without a TENANT those of the admin"},
    {"adapter", cmd_adapter, FLAG_JSON,
     "[status | test FILE [TENANT/SESSION] | use FILE [TENANT/SESSION] | rollback]",
     "which wa-js the pages run; try another, take it back"},
    {"usage", cmd_usage, FLAG_JSON, "[TENANT [day|session|country|channel]]",
     "messages, costs and quotas of this month"},
    {"logs", cmd_logs, FLAG_JSON | FLAG_LOGS, "[-f] [--lines N]", "recent log lines of the daemon"},
    {"audit", cmd_audit, FLAG_JSON | FLAG_AUDIT,
     "list [TENANT] [--lines N] | export [TENANT] | verify [TENANT | --file FILE]",
     "who did what; is the log as it was written"},
    {"master-key", cmd_master_key, FLAG_MASTER_KEY, "new FILE | rotate [--new-key-file FILE]",
     "make a master key; seal every secret anew (daemon stopped)"},
    {"backup", cmd_backup, FLAG_JSON | FLAG_ARCHIVE, "FILE | verify FILE",
     "back everything up, while the daemon runs or not; check a backup"},
    {"restore", cmd_restore, FLAG_JSON | FLAG_ARCHIVE, "FILE --data-dir DIR",
     "make a data directory of a backup"},
    {"export-session", cmd_export_session, FLAG_JSON | FLAG_ARCHIVE, "TENANT/SESSION FILE",
     "stop a session for good here and write all of it to a file"},
    {"import-session", cmd_import_session, FLAG_JSON | FLAG_ARCHIVE | FLAG_IMPORT,
     "FILE [--as TENANT/SESSION]", "go on with an exported session here, without linking again"},
    {"fsck", cmd_fsck, FLAG_JSON | FLAG_FSCK, "[--repair]",
     "check the data directory of a daemon that does not run"},
    {"doctor", cmd_doctor, FLAG_JSON, "", "check this machine and say how to mend what is wrong"},
    {"config", cmd_config, FLAG_JSON, "check", "effective settings and where each comes from"},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

static const char flag_help[] =
    "  --config FILE, --data-dir DIR, --socket PATH, --listen ADDR:PORT,\n"
        "  --log-format json|text|auto, --log-level LEVEL, --set SECTION.KEY=VALUE\n"
        "  --json                   answers for programs\n"
        "  serve: --new-admin-key   make one more admin key: the file was lost\n"
        "  link: --phone NUMBER     pairing code instead of a QR code\n"
        "        --png FILE         write each code there too\n"
        "        --style ansi|dark|light\n"
        "  send: --file FILE        a file instead of a text\n"
        "        --caption TEXT     words beside it\n"
        "        --type TYPE        image, video, audio, voice, document or sticker; else by what\n"
        "                           the file is\n"
        "  keys create: name=TEXT role=ROLE scopes=A,B sessions=A,B-* expires=TIME; rotate: overlap=SECONDS\n"
        "  master-key rotate: --new-key-file FILE\n"
        "  audit: --lines N, --file FILE\n"
        "  logs: -f, --lines N\n"
        "  backup, restore, export-session, import-session:\n"
        "        --key-file FILE    a passphrase, or the master key it was sealed with\n"
        "        --no-media         without the files of messages\n"
        "        --force            replace FILE; restore: set what is in the directory aside\n"
        "  import-session: --as TENANT/SESSION, --no-start\n"
        "  dashboard: --tenant TENANT, --role admin|operator|agent|viewer   what the link gives; without\n"
        "                           them all that the key may do\n"
        "        --no-open          only print it\n"
        "  fsck: --repair           mend what can be mended\n";
static const char closing_words[] =
        "TENANT/SESSION may be left out when there is only one. A text that begins with - goes\n"
        "after --. The key is read from admin.key in the data directory, or from WABRIDGE_KEY.\n\n"
        "Exit codes: 0 it worked, 1 it did not, 2 the command line or a setting is wrong.\n";

static void help(FILE *out)
{
    fprintf(out, "wabridge %s: WhatsApp Web sessions behind a local HTTP API\n\n",
            WABRIDGE_VERSION);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, "  wabridge %s%s%s\n      %s\n", commands[i].name,
                commands[i].words[0] != '\0' ? " " : "", commands[i].words, commands[i].help);
    }
    fprintf(out, "\nFlags\n%s\n%s", flag_help, closing_words);
}

/* wabridge(1), from the same table and texts. */
static void man(FILE *out)
{
    fputs(".TH WABRIDGE 1 \"\" \"wabridge " WABRIDGE_VERSION "\" \"User commands\"\n"
          ".SH NAME\nwabridge \\- WhatsApp Web sessions behind a local HTTP API\n"
          ".SH SYNOPSIS\n.B wabridge\n.I command\n[\\fIflags\\fR] [\\fIwords\\fR]\n"
          ".SH DESCRIPTION\n"
          "One daemon that runs unofficial WhatsApp Web sessions in headless Chromium and gives\n"
          "your own software a local HTTP API to them.\n"
          ".B wabridge serve\nis the daemon; most other commands talk to it.\n"
          ".SH COMMANDS\n",
          out);
    for (size_t i = 0; i < COMMANDS; i++) {
        fprintf(out, ".TP\n\\fBwabridge %s\\fR %s\n%s\n", commands[i].name, commands[i].words,
                commands[i].help);
    }
    fprintf(out,
            ".SH FLAGS\n.nf\n%s.fi\n.SH NOTES\n.nf\n%s.fi\n"
            ".SH FILES\n.TP\n.I /etc/wabridge/wabridge.conf\nsettings, see wabridge.conf(5)\n"
            ".TP\n.I /var/lib/wabridge\neverything durable; admin.key is the first key\n"
            ".SH SEE ALSO\n.BR wabridge.conf (5)\n",
            flag_help, closing_words);
}

int cli_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("wabridge: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputs("\nSee `wabridge --help`.\n", stderr);
    va_end(ap);
    return EXIT_USAGE;
}

int cli_fail(const struct err *e)
{
    fprintf(stderr, "wabridge: %s\n", e->msg);
    return e->code == E_INVALID ? EXIT_USAGE : EXIT_NO;
}

enum {
    OPT_CONFIG = 256,
    OPT_DATA_DIR,
    OPT_SOCKET,
    OPT_LISTEN,
    OPT_LOG_FORMAT,
    OPT_LOG_LEVEL,
    OPT_SET,
    OPT_NEW_ADMIN_KEY,
    OPT_NEW_KEY_FILE,
    OPT_JSON,
    OPT_PHONE,
    OPT_PNG,
    OPT_STYLE,
    OPT_LINES,
    OPT_FILE,
    OPT_CAPTION,
    OPT_TYPE,
    OPT_KEY_FILE,
    OPT_NO_MEDIA,
    OPT_FORCE,
    OPT_AS,
    OPT_NO_START,
    OPT_REPAIR,
    OPT_TENANT,
    OPT_ROLE,
    OPT_NO_OPEN,
};

static const struct option options[] = {
    {"config", required_argument, NULL, OPT_CONFIG},
    {"data-dir", required_argument, NULL, OPT_DATA_DIR},
    {"socket", required_argument, NULL, OPT_SOCKET},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"log-format", required_argument, NULL, OPT_LOG_FORMAT},
    {"log-level", required_argument, NULL, OPT_LOG_LEVEL},
    {"set", required_argument, NULL, OPT_SET},
    {"new-admin-key", no_argument, NULL, OPT_NEW_ADMIN_KEY},
    {"new-key-file", required_argument, NULL, OPT_NEW_KEY_FILE},
    {"json", no_argument, NULL, OPT_JSON},
    {"phone", required_argument, NULL, OPT_PHONE},
    {"png", required_argument, NULL, OPT_PNG},
    {"style", required_argument, NULL, OPT_STYLE},
    {"lines", required_argument, NULL, OPT_LINES},
    {"file", required_argument, NULL, OPT_FILE},
    {"caption", required_argument, NULL, OPT_CAPTION},
    {"type", required_argument, NULL, OPT_TYPE},
    {"key-file", required_argument, NULL, OPT_KEY_FILE},
    {"no-media", no_argument, NULL, OPT_NO_MEDIA},
    {"force", no_argument, NULL, OPT_FORCE},
    {"as", required_argument, NULL, OPT_AS},
    {"no-start", no_argument, NULL, OPT_NO_START},
    {"repair", no_argument, NULL, OPT_REPAIR},
    {"tenant", required_argument, NULL, OPT_TENANT},
    {"role", required_argument, NULL, OPT_ROLE},
    {"no-open", no_argument, NULL, OPT_NO_OPEN},
    {"follow", no_argument, NULL, 'f'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {NULL, 0, NULL, 0},
};

/* Flags are kept until the file and the environment are read: they override both. */
struct override {
    const char *section, *name, *value, *origin;
};
struct parsed {
    struct override overrides[32];
    size_t count;
    bool stop; /* --help or --version was answered */
};

static int add_override(struct parsed *p, const char *section, const char *name, const char *value,
                        const char *origin)
{
    if (p->count == sizeof p->overrides / sizeof p->overrides[0]) {
        return cli_usage("too many flags");
    }
    p->overrides[p->count++] = (struct override){section, name, value, origin};
    return 0;
}

/* SECTION.KEY=VALUE, cut up in place. */
static int add_set(struct parsed *p, char *arg)
{
    char *dot = strchr(arg, '.');
    char *eq = strchr(arg, '=');
    if (dot == NULL || eq == NULL || eq < dot) {
        return cli_usage("--set %s: say SECTION.KEY=VALUE", arg);
    }
    *dot = *eq = '\0';
    return add_override(p, arg, dot + 1, eq + 1, "flag --set");
}

static int take_lines(struct cli *c, const char *arg)
{
    char *end = NULL;
    unsigned long n = strtoul(arg, &end, 10);
    if (arg[0] < '0' || arg[0] > '9' || *end != '\0' || n == 0 || n > 1000) {
        return cli_usage("--lines %s: a number from 1 to 1000", arg);
    }
    c->lines = (unsigned)n;
    return 0;
}

static int take_option(struct cli *c, struct parsed *p, int opt)
{
    switch (opt) {
    case OPT_CONFIG:
        c->config_file = optarg;
        return 0;
    case OPT_DATA_DIR:
        return add_override(p, "server", "data_dir", optarg, "flag --data-dir");
    case OPT_SOCKET:
        return add_override(p, "server", "socket", optarg, "flag --socket");
    case OPT_LISTEN:
        return add_override(p, "server", "listen", optarg, "flag --listen");
    case OPT_LOG_FORMAT:
        return add_override(p, "log", "format", optarg, "flag --log-format");
    case OPT_LOG_LEVEL:
        return add_override(p, "log", "level", optarg, "flag --log-level");
    case OPT_SET:
        return add_set(p, optarg);
    case OPT_NEW_ADMIN_KEY:
        c->new_admin_key = true;
        return 0;
    case OPT_NEW_KEY_FILE:
        c->new_key_file = optarg;
        return 0;
    case OPT_JSON:
        c->json = true;
        return 0;
    case OPT_PHONE:
        c->phone = optarg;
        return 0;
    case OPT_PNG:
        c->png = optarg;
        return 0;
    case OPT_STYLE:
        c->style = optarg;
        return 0;
    case OPT_LINES:
        return take_lines(c, optarg);
    case OPT_FILE:
        c->file = optarg;
        return 0;
    case OPT_CAPTION:
        c->caption = optarg;
        return 0;
    case OPT_TYPE:
        c->type = optarg;
        return 0;
    case OPT_KEY_FILE:
        c->key_file = optarg;
        return 0;
    case OPT_NO_MEDIA:
        c->no_media = true;
        return 0;
    case OPT_FORCE:
        c->force = true;
        return 0;
    case OPT_AS:
        c->as = optarg;
        return 0;
    case OPT_REPAIR:
        c->repair = true;
        return 0;
    case OPT_NO_START:
        c->no_start = true;
        return 0;
    case OPT_TENANT:
        c->tenant = optarg;
        return 0;
    case OPT_ROLE:
        c->role = optarg;
        return 0;
    case OPT_NO_OPEN:
        c->no_open = true;
        return 0;
    case 'f':
        c->follow = true;
        return 0;
    case 'h':
        help(stdout);
        p->stop = true;
        return 0;
    case 'V':
        printf("wabridge %s\n", WABRIDGE_VERSION);
        p->stop = true;
        return 0;
    default:
        fputs("See `wabridge --help`.\n", stderr);
        return EXIT_USAGE;
    }
}

static int refuse_foreign_flags(const struct cli *c, const struct command *cmd)
{
    if (c->json && !(cmd->flags & FLAG_JSON)) {
        return cli_usage("%s has no --json", cmd->name);
    }
    if ((c->phone != NULL || c->png != NULL || c->style != NULL) && !(cmd->flags & FLAG_LINK)) {
        return cli_usage("--phone, --png and --style belong to link");
    }
    if ((c->file != NULL || c->caption != NULL || c->type != NULL) && !(cmd->flags & FLAG_SEND) &&
        !((cmd->flags & FLAG_AUDIT) && c->caption == NULL && c->type == NULL)) {
        return cli_usage("--file, --caption and --type belong to send");
    }
    if (c->new_key_file != NULL && !(cmd->flags & FLAG_MASTER_KEY)) {
        return cli_usage("--new-key-file belongs to master-key");
    }
    if (c->new_admin_key && !(cmd->flags & FLAG_SERVE)) {
        return cli_usage("--new-admin-key belongs to serve");
    }
    if ((c->key_file != NULL || c->no_media || c->force) && !(cmd->flags & FLAG_ARCHIVE)) {
        return cli_usage("--key-file, --no-media and --force belong to backups");
    }
    if ((c->tenant != NULL || c->role != NULL || c->no_open) && !(cmd->flags & FLAG_DASHBOARD)) {
        return cli_usage("--tenant, --role and --no-open belong to dashboard");
    }
    if (c->repair && !(cmd->flags & FLAG_FSCK)) {
        return cli_usage("--repair belongs to fsck");
    }
    if ((c->as != NULL || c->no_start) && !(cmd->flags & FLAG_IMPORT)) {
        return cli_usage("--as and --no-start belong to import-session");
    }
    if ((c->follow || c->lines != 0) && !(cmd->flags & FLAG_LOGS) &&
        !((cmd->flags & FLAG_AUDIT) && !c->follow)) {
        return cli_usage("-f and --lines belong to logs");
    }
    return 0;
}

/* --config or WABRIDGE_CONFIG must exist; /etc/wabridge/wabridge.conf may. */
static int load_config(struct cli *c, const struct parsed *p)
{
    static const char system_file[] = "/etc/wabridge/wabridge.conf";
    struct err e = {0};
    if (c->config_file == NULL) {
        c->config_file = getenv("WABRIDGE_CONFIG");
    }
    if (c->config_file == NULL) {
        c->config_file = access(system_file, R_OK) == 0 ? system_file : "";
    }
    if (c->config_file[0] != '\0' && config_read_file(c->config, c->config_file, &e) != 0) {
        cli_fail(&e);
        return EXIT_USAGE;
    }
    int r = config_read_environment(c->config, environ, &e);
    for (size_t i = 0; r == 0 && i < p->count; i++) {
        const struct override *o = &p->overrides[i];
        r = config_set(c->config, o->section, o->name, o->value, o->origin, &e);
    }
    return r == 0 ? 0 : cli_fail(&e);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct cli c = {0};
    struct parsed p = {0};
    int opt, r = 0;
    master_key_take(environ);
    while (r == 0 && !p.stop && (opt = getopt_long(argc, argv, "fhV", options, NULL)) != -1) {
        r = take_option(&c, &p, opt);
    }
    if (r != 0 || p.stop) {
        return r;
    }
    if (optind == argc) {
        help(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[optind], "help") == 0) {
        bool page = optind + 1 < argc && strcmp(argv[optind + 1], "man") == 0; /* for the package */
        (page ? man : help)(stdout);
        return EXIT_OK;
    }
    const struct command *cmd = find_command(argv[optind]);
    if (cmd == NULL) {
        return cli_usage("there is no command `%s`", argv[optind]);
    }
    c.words = argv + optind + 1;
    c.word_count = argc - optind - 1;
    c.config = config_new();
    if (c.config == NULL) {
        fputs("wabridge: out of memory\n", stderr);
        return EXIT_NO;
    }
    r = refuse_foreign_flags(&c, cmd);
    if (r == 0) {
        r = load_config(&c, &p);
    }
    if (r == 0) {
        curl_global_init(CURL_GLOBAL_DEFAULT);
        r = cmd->run(&c);
        curl_global_cleanup();
    }
    config_free(c.config);
    return r;
}
