/* wabridge.conf(5), made from the table of settings: it cannot disagree with the program. */
#include "config.h"

#include <ctype.h>
#include <string.h>

/* Text as roff takes it: no request at a line's beginning, no escape by accident. */
static void put(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '\\') {
            fputs("\\e", out);
        } else if (*p == '-') {
            fputs("\\-", out);
        } else if ((*p == '.' || *p == '\'') && p == text) {
            fprintf(out, "\\&%c", *p);
        } else {
            fputc(*p, out);
        }
    }
}

static void put_values(FILE *out, const struct config_key *k)
{
    switch (k->type) {
    case CONFIG_BOOL:
        fputs("on or off", out);
        break;
    case CONFIG_NUMBER:
        fprintf(out, "%llu to %llu", (unsigned long long)k->min, (unsigned long long)k->max);
        break;
    case CONFIG_CHOICE:
        for (const char *p = k->choices; *p != '\0'; p++) {
            fputs(*p == '|' ? ", " : (char[2]){*p, '\0'}, out);
        }
        break;
    default:
        fputs("text", out);
        break;
    }
    if (k->fallback[0] != '\0') {
        fputs("; default ", out);
        put(out, k->fallback);
    }
}

static void put_key(FILE *out, const struct config_key *k)
{
    fputs(".TP\n.B ", out);
    put(out, k->name);
    fputs("\n(", out);
    put_values(out, k);
    fputs(")\n.br\n", out);
    fprintf(out, "%c", toupper((unsigned char)k->help[0]));
    put(out, k->help + 1);
    fputs(".\n", out);
}

void config_man(FILE *out)
{
    const char *section = "";
    fputs(".TH WABRIDGE.CONF 5 \"\" \"wabridge " WABRIDGE_VERSION "\" \"File formats\"\n"
          ".SH NAME\nwabridge.conf \\- settings of wabridge\n"
          ".SH SYNOPSIS\n.I /etc/wabridge/wabridge.conf\n"
          ".SH DESCRIPTION\n"
          "An INI file: sections in brackets, \\fIkey\\fR = \\fIvalue\\fR, comments behind a\n"
          "semicolon. What is missing has its default. The environment\n"
          "(WABRIDGE_\\fISECTION\\fR_\\fIKEY\\fR) goes before the file, flags go before both.\n"
          "An unknown key or a bad value is an error that names its line.\n"
          ".B wabridge config check\n"
          "prints what is in force and where each value comes from.\n",
          out);
    for (size_t i = 0; i < config_schema_count; i++) {
        const struct config_key *k = &config_schema[i];
        if (strcmp(section, k->section) != 0) {
            fprintf(out, ".SH [%s]\n", k->section);
            section = k->section;
        }
        put_key(out, k);
    }
    fputs(".SH FILES\n.TP\n.I /etc/wabridge/wabridge.conf\nread when it is there and no other is "
          "named\n.TP\n.I /var/lib/wabridge\neverything durable\n"
          ".SH SEE ALSO\n.BR wabridge (1)\n",
          out);
}
