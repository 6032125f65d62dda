/* Phone numbers and chat ids as people and WhatsApp write them. Pure functions. */
#include "core.h"

#include <string.h>

#define PHONE_MIN 8      /* digits of the shortest number that we accept */
#define NATIONAL_MAX 10  /* up to here a number without + may be a national one */
#define WRITTEN_MAX 64   /* characters, with all the punctuation people use */
#define USER_PART_MAX 64 /* characters before the @ */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int bad_phone(struct err *e, const char *why)
{
    return err_word(e, E_INVALID, "invalid_phone",
                    "%s; write the number with its country code, such as +5511988887777", why);
}

/* The digits of what was written; plus: it began with +. */
static int digits_of(const char *in, char out[WRITTEN_MAX + 1], bool *plus, struct err *e)
{
    size_t n = 0;
    *plus = false;
    if (in == NULL || strnlen(in, WRITTEN_MAX + 1) > WRITTEN_MAX) {
        return bad_phone(e, "the phone number is missing or too long");
    }
    for (; *in != '\0'; in++) {
        if (is_digit(*in)) {
            out[n++] = *in;
        } else if (*in == '+' && n == 0 && !*plus) {
            *plus = true;
        } else if (strchr(" -.()", *in) == NULL) {
            return bad_phone(e, "the phone number has a character that is none of a number");
        }
    }
    out[n] = '\0';
    return n > 0 ? 0 : bad_phone(e, "the phone number has no digit");
}

static bool is_country_code(const char *cc)
{
    size_t n = cc != NULL ? strnlen(cc, 4) : 0;
    if (n < 1 || n > 3 || cc[0] == '0') {
        return false;
    }
    return strspn(cc, "0123456789") == n;
}

/* Without + or 00: does it lack its country code? Ten digits or fewer that do not begin with the
 * country code can only be a foreign number without its +, which we do not guess. */
static bool is_national(const char *digits, const char *cc)
{
    size_t len = strlen(digits);
    return digits[0] == '0' || len < PHONE_MIN ||
           (len <= NATIONAL_MAX && strncmp(digits, cc, strlen(cc)) != 0);
}

int phone_parse(const char *in, const char *default_country_code, char out[PHONE_MAX + 1],
                struct err *e)
{
    char text[WRITTEN_MAX + 1];
    char number[WRITTEN_MAX + 4];
    const char *digits = text;
    const char *cc = "";
    bool plus;
    int rc = digits_of(in, text, &plus, e);
    if (rc != 0) {
        return rc;
    }
    if (!plus && strncmp(digits, "00", 2) == 0) {
        digits += 2;
        plus = true;
    }
    if (!plus && is_country_code(default_country_code) &&
        is_national(digits, default_country_code)) {
        cc = default_country_code;
        digits += digits[0] == '0';
    }
    if (digits[0] == '0') {
        return bad_phone(e, "a country code does not begin with 0");
    }
    size_t cc_len = strlen(cc), len = strlen(digits);
    memcpy(number, cc, cc_len);
    memcpy(number + cc_len, digits, len + 1);
    len += cc_len;
    if (len < PHONE_MIN || len > PHONE_MAX) {
        return bad_phone(e, "a phone number has 8 to 15 digits");
    }
    memcpy(out, number, len + 1);
    return 0;
}

const char *chat_kind_name(enum chat_kind kind)
{
    switch (kind) {
    case CHAT_GROUP:
        return "group";
    case CHAT_STATUS:
        return "status";
    case CHAT_CHANNEL:
        return "channel";
    case CHAT_USER:
        break;
    }
    return "user";
}

int chat_id_parse(const char *in, char out[STORE_MAX_ID + 1], enum chat_kind *kind, struct err *e)
{
    static const struct {
        const char *server, *written;
        enum chat_kind kind;
    } servers[] = {
        {"c.us", "c.us", CHAT_USER},
        {"s.whatsapp.net", "c.us", CHAT_USER},
        {"lid", "lid", CHAT_USER},
        {"g.us", "g.us", CHAT_GROUP},
        {"newsletter", "newsletter", CHAT_CHANNEL},
    };
    if (in != NULL && strcmp(in, "status@broadcast") == 0) {
        memcpy(out, in, strlen(in) + 1);
        *kind = CHAT_STATUS;
        return 0;
    }
    size_t user = in != NULL ? strspn(in, "0123456789-") : 0;
    if (user >= 1 && user <= USER_PART_MAX && in[user] == '@') {
        for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
            if (strcmp(in + user + 1, servers[i].server) == 0) {
                memcpy(out, in, user + 1);
                memcpy(out + user + 1, servers[i].written, strlen(servers[i].written) + 1);
                *kind = servers[i].kind;
                return 0;
            }
        }
    }
    return err_word(e, E_INVALID, "invalid_chat",
                    "not a chat id; they look like 5511988887777@c.us, 123@lid or 456@g.us");
}

int chat_address_parse(const char *in, const char *default_country_code, char out[STORE_MAX_ID + 1],
                       enum chat_kind *kind, struct err *e)
{
    if (in != NULL && strchr(in, '@') != NULL) {
        return chat_id_parse(in, out, kind, e);
    }
    char phone[PHONE_MAX + 1];
    int rc = phone_parse(in, default_country_code, phone, e);
    if (rc != 0) {
        return rc;
    }
    size_t len = strlen(phone);
    memcpy(out, phone, len);
    memcpy(out + len, "@c.us", sizeof("@c.us"));
    *kind = CHAT_USER;
    return 0;
}

bool chat_id_phone(const char *chat_id, char out[PHONE_MAX + 1])
{
    size_t n = chat_id != NULL ? strspn(chat_id, "0123456789") : 0;
    if (n < 1 || n > PHONE_MAX || strcmp(chat_id + n, "@c.us") != 0) {
        return false;
    }
    memcpy(out, chat_id, n);
    out[n] = '\0';
    return true;
}
