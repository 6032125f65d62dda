#include "api_priv.h"

#include <string.h>
#include <strings.h>

static const char *skip_blank(const char *s)
{
    return s + strspn(s, " \t");
}

/* "q=0.85" as 850; what is no q-value counts as 1000. */
static int quality(const char *s, size_t len)
{
    if (len == 0 || (s[0] != '0' && s[0] != '1')) {
        return 1000;
    }
    int q = (s[0] - '0') * 1000;
    int weight = 100;
    for (size_t i = 2; i < len && i < 5 && s[1] == '.' && s[i] >= '0' && s[i] <= '9'; i++) {
        q += (s[i] - '0') * weight;
        weight /= 10;
    }
    return q > 1000 ? 1000 : q;
}

/* How well "type/subtype" (len bytes, any case) fits the offer: 3 exactly, 2 type/star, 1
 * star/star, 0 not at all. */
static int fit(const char *range, size_t len, const char *offer)
{
    if (len == strlen(offer) && strncasecmp(range, offer, len) == 0) {
        return 3;
    }
    if (len == 3 && memcmp(range, "*/*", 3) == 0) {
        return 1;
    }
    size_t type = strcspn(offer, "/") + 1;
    if (len == type + 1 && range[type] == '*' && strncasecmp(range, offer, type) == 0) {
        return 2;
    }
    return 0;
}

/* The quality that the header gives to one offer: that of the most exact range; -1: not named. */
static int quality_of(const char *accept, const char *offer)
{
    int best_fit = 0;
    int best_q = -1;
    for (const char *s = accept; *s != '\0';) {
        s = skip_blank(s);
        size_t range = strcspn(s, " \t;,");
        int f = fit(s, range, offer);
        int q = 1000;
        size_t rest = range;
        while (s[rest] != '\0' && s[rest] != ',') {
            rest += strcspn(s + rest, ";,");
            if (s[rest] == ';') {
                const char *p = skip_blank(s + rest + 1);
                if ((p[0] == 'q' || p[0] == 'Q') && p[1] == '=') {
                    q = quality(p + 2, strcspn(p + 2, " \t;,"));
                }
                rest++;
            }
        }
        if (f > best_fit) {
            best_fit = f;
            best_q = q;
        }
        s += rest;
        if (*s == ',') {
            s++;
        }
    }
    return best_q;
}

int accept_pick(const char *accept, const char *const *offers)
{
    if (accept == NULL || *skip_blank(accept) == '\0') {
        return 0;
    }
    int best = -1;
    int best_q = 0; /* q=0 is a refusal */
    for (int i = 0; offers[i] != NULL; i++) {
        int q = quality_of(accept, offers[i]);
        if (q > best_q) {
            best_q = q;
            best = i;
        }
    }
    return best;
}

bool media_is_json(const char *content_type)
{
    const char *s = skip_blank(content_type);
    size_t len = strcspn(s, " \t;");
    bool plain = len == 16 && strncasecmp(s, "application/json", 16) == 0;
    bool suffixed = len > 17 && strncasecmp(s, "application/", 12) == 0 &&
                    strncasecmp(s + len - 5, "+json", 5) == 0;
    if (!plain && !suffixed) {
        return false;
    }
    for (s = strchr(s, ';'); s != NULL; s = strchr(s, ';')) {
        s = skip_blank(s + 1);
        if (strncasecmp(s, "charset=", 8) == 0) {
            s += 8;
            s += *s == '"';
            return strncasecmp(s, "utf-8", 5) == 0 || strncasecmp(s, "utf8", 4) == 0;
        }
    }
    return true;
}
