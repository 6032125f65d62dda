/* WhatsApp's own limits, by the type of the message. Pure but for the configuration. */
#include "media_priv.h"

#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static const struct rule {
    const char *type;
    uint64_t max_bytes;
    const char *accepts; /* "|a|b|"; "audio/" stands for all of it; NULL: anything */
    const char *words;   /* for a person */
} rules[] = {
    {"image", 16 * MIB, "|image/jpeg|image/png|image/webp|image/gif|", "JPEG, PNG, WebP or GIF"},
    {"video", 100 * MIB, "|video/mp4|video/3gpp|video/quicktime|video/webm|",
     "MP4, 3GPP, QuickTime or WebM"},
    {"audio", 16 * MIB, "|audio/|", "a sound file, such as Ogg Opus, MP3, M4A, AAC or AMR"},
    {"voice", 16 * MIB, "|audio/|", "a sound file, best Ogg Opus"},
    {"sticker", 1 * MIB, "|image/webp|", "WebP"},
    {"document", 2048 * MIB, NULL, NULL},
};

static const struct rule *rule_of(const char *type)
{
    const size_t n = sizeof(rules) / sizeof(rules[0]);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(rules[i].type, type) == 0) {
            return &rules[i];
        }
    }
    return &rules[n - 1];
}

uint64_t media_limit(const struct bridge *b, const char *type)
{
    uint64_t max = rule_of(type)->max_bytes;
    return max < b->cfg.media.max_upload_bytes ? max : b->cfg.media.max_upload_bytes;
}

/* Is "|<mimetype without parameters>|" or "|<first part>/|" in it? */
static bool accepts(const char *list, const char *mimetype)
{
    char whole[132], family[132];
    size_t len = strcspn(mimetype, ";"), slash = strcspn(mimetype, "/");
    (void)snprintf(whole, sizeof(whole), "|%.*s|", (int)len, mimetype);
    (void)snprintf(family, sizeof(family), "|%.*s/|", (int)slash, mimetype);
    return strstr(list, whole) != NULL || strstr(list, family) != NULL;
}

int media_check(const struct bridge *b, const char *type, const struct media_info *info,
                struct err *e)
{
    const struct rule *r = rule_of(type);
    uint64_t max = media_limit(b, type);
    int rc = 0;
    if (info->size_bytes > max) {
        rc = err_word(e, E_TOOLARGE, "media_too_large",
                      "the file has %llu bytes; a message of type %s takes at most %llu",
                      (unsigned long long)info->size_bytes, r->type, (unsigned long long)max);
    } else if (r->accepts != NULL && !accepts(r->accepts, info->mimetype)) {
        rc = err_word(e, E_INVALID, "unsupported_media",
                      "the file is %s; a message of type %s takes %s", info->mimetype, r->type,
                      r->words);
    }
    if (rc != 0 && e != NULL) {
        (void)snprintf(e->field, sizeof(e->field), "%s", type);
    }
    return rc;
}
