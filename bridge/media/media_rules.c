/* What a session wants fetched: {"download":"all"|"none"|[types],"max_bytes":n} of its settings;
 * what it does not say, the [media] section says. */
#include "media_priv.h"

#include "json.h"
#include "session_priv.h"

#include <string.h>

static const char *const types[] = {"image", "video", "audio", "voice", "document", "sticker"};

static bool is_type(const char *s, size_t len)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strlen(types[i]) == len && memcmp(types[i], s, len) == 0) {
            return true;
        }
    }
    return false;
}

static int check_download(const json_t *download, struct err *e)
{
    const char *word = json_string_value(download);
    size_t i = 0;
    const json_t *item = NULL;
    bool right = json_is_array(download) ||
                 (word != NULL && (strcmp(word, "all") == 0 || strcmp(word, "none") == 0));
    json_array_foreach(download, i, item)
    {
        right = right && json_is_string(item) &&
                is_type(json_string_value(item), json_string_length(item));
    }
    return right && json_array_size(download) <= sizeof(types) / sizeof(types[0])
               ? 0
               : err_field(e, NULL, "media.download",
                           "media.download is \"all\", \"none\" or a list of image, video, audio, "
                           "voice, document, sticker");
}

int media_rules_check(const json_t *rules, struct err *e)
{
    static const char *const fields[] = {"download", "max_bytes", NULL};
    if (rules == NULL || json_is_null(rules)) {
        return 0;
    }
    if (!json_is_object(rules)) {
        return err_field(e, NULL, "media", "media is an object");
    }
    int rc = body_check(rules, fields, e);
    const json_t *download = json_object_get(rules, "download");
    const json_t *max = json_object_get(rules, "max_bytes");
    if (rc == 0 && download != NULL && !json_is_null(download)) {
        rc = check_download(download, e);
    }
    if (rc == 0 && max != NULL && !json_is_null(max) &&
        (!json_is_integer(max) || json_integer_value(max) < 0)) {
        rc = err_field(e, NULL, "media.max_bytes", "media.max_bytes is a number of bytes");
    }
    return rc;
}

int bridge_media_download_check(const char *list, struct err *e)
{
    if (strcmp(list, "all") == 0 || strcmp(list, "none") == 0) {
        return 0;
    }
    for (const char *s = list;; s++) {
        size_t len = strcspn(s, ",");
        if (!is_type(s, len)) {
            return err_set(e, E_INVALID,
                           "download is all, none or a list such as image,voice of image, video, "
                           "audio, voice, document, sticker");
        }
        s += len;
        if (*s == '\0') {
            return 0;
        }
    }
}

static bool in_config(const char *list, const char *type)
{
    size_t len = strlen(type);
    if (strcmp(list, "all") == 0 || strcmp(list, "none") == 0) {
        return list[0] == 'a';
    }
    for (const char *s = strstr(list, type); s != NULL; s = strstr(s + 1, type)) {
        if ((s == list || s[-1] == ',') && (s[len] == ',' || s[len] == '\0')) {
            return true;
        }
    }
    return false;
}

static bool in_list(const json_t *list, const char *type)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach(list, i, item)
    {
        if (strcmp(json_string_value(item), type) == 0) {
            return true;
        }
    }
    return false;
}

bool media_rules_want(const json_t *rules, const char *config_download, uint64_t config_max,
                      const char *type, uint64_t size_bytes)
{
    const json_t *download = json_object_get(rules, "download");
    int64_t own = json_int(rules, "max_bytes", -1);
    uint64_t max = own >= 0 && (uint64_t)own < config_max ? (uint64_t)own : config_max;
    bool wanted = json_is_array(download)    ? in_list(download, type)
                  : json_is_string(download) ? strcmp(json_string_value(download), "all") == 0
                                             : in_config(config_download, type);
    return wanted && size_bytes <= max;
}

bool media_wanted(struct session *s, const char *type, uint64_t size_bytes)
{
    const struct bridge *b = s->b;
    return media_rules_want(s->media, b->cfg.media.download, b->cfg.media.max_download_bytes, type,
                            size_bytes);
}

uint64_t media_max_download(struct session *s)
{
    const struct bridge *b = s->b;
    int64_t own = json_int(s->media, "max_bytes", -1);
    uint64_t max = b->cfg.media.max_download_bytes;
    return own >= 0 && (uint64_t)own < max ? (uint64_t)own : max;
}
