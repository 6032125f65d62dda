/* What a message costs, in millionths of the currency: whole numbers only. */
#include "usage.h"

#include "json.h"

#include <stdio.h>
#include <string.h>

#define MAX_WHOLE 999999
#define DECIMALS 6
#define MAX_PREFIXES 300
#define MAX_CHANNELS 8

int tariff_amount(const char *text, int64_t *micro)
{
    int64_t whole = 0, part = 0;
    size_t digits = strspn(text, "0123456789"), decimals = 0;
    if (digits == 0 || digits > 6) {
        return E_INVALID;
    }
    for (size_t i = 0; i < digits; i++) {
        whole = whole * 10 + (text[i] - '0');
    }
    if (text[digits] == '.') {
        const char *s = text + digits + 1;
        decimals = strspn(s, "0123456789");
        if (decimals == 0 || decimals > DECIMALS || s[decimals] != '\0') {
            return E_INVALID;
        }
        for (size_t i = 0; i < DECIMALS; i++) {
            part = part * 10 + (i < decimals ? s[i] - '0' : 0);
        }
    } else if (text[digits] != '\0') {
        return E_INVALID;
    }
    *micro = whole * TARIFF_MICRO + part;
    return whole <= MAX_WHOLE ? 0 : E_INVALID;
}

void tariff_text(int64_t micro, char out[TARIFF_TEXT])
{
    (void)snprintf(out, TARIFF_TEXT, "%lld.%06lld", (long long)(micro / TARIFF_MICRO),
                   (long long)(micro % TARIFF_MICRO));
    size_t len = strlen(out);
    while (out[len - 1] == '0' && out[len - 3] != '.') {
        out[--len] = '\0';
    }
}

/* ---- checks ------------------------------------------------------------------------------------- */

static int check_amount(const json_t *v, struct err *e)
{
    int64_t micro;
    if (v == NULL || (json_is_string(v) && tariff_amount(json_string_value(v), &micro) == 0)) {
        return 0;
    }
    return err_field(e, NULL, "tariff",
                     "an amount is a text such as \"0.05\": 0 to 999999, at most 6 decimals");
}

static int check_rates(const json_t *rates, struct err *e)
{
    json_t *prefixes = json_object_get(rates, "prefixes");
    int rc = check_amount(json_object_get(rates, "default"), e);
    if (rc != 0 || prefixes == NULL) {
        return rc;
    }
    if (!json_is_object(prefixes) || json_object_size(prefixes) > MAX_PREFIXES) {
        return err_field(e, NULL, "tariff", "prefixes is an object with at most %d members",
                         MAX_PREFIXES);
    }
    const char *code;
    json_t *v;
    json_object_foreach(prefixes, code, v)
    {
        if (!country_code_known(code)) {
            return err_field(e, NULL, "tariff",
                             "prefixes are country calling codes without +, such as 55");
        }
        if ((rc = check_amount(v, e)) != 0) {
            return rc;
        }
    }
    return 0;
}

int tariff_check(const json_t *tariff, struct err *e)
{
    static const char *const fields[] = {"currency", "default", "prefixes", "channels", NULL};
    static const char *const inner[] = {"default", "prefixes", NULL};
    if (!json_is_object(tariff)) {
        return err_field(e, NULL, "tariff", "tariff must be an object, or null");
    }
    const char *currency = json_str(tariff, "currency");
    if (currency == NULL || strlen(currency) != 3 ||
        strspn(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 3) {
        return err_field(e, NULL, "tariff", "currency is three letters such as EUR");
    }
    int rc = body_check(tariff, fields, e);
    rc = rc != 0 ? rc : check_rates(tariff, e);
    json_t *channels = json_object_get(tariff, "channels");
    if (rc == 0 && channels != NULL &&
        (!json_is_object(channels) || json_object_size(channels) > MAX_CHANNELS)) {
        rc = err_field(e, NULL, "tariff", "channels is an object, a channel's rates in each member");
    }
    const char *name;
    json_t *v;
    json_object_foreach(channels, name, v)
    {
        if (rc == 0 && !json_is_object(v)) {
            rc = err_field(e, NULL, "tariff", "a channel's rates are {default,prefixes}");
        }
        rc = rc != 0 ? rc : body_check(v, inner, e);
        rc = rc != 0 ? rc : check_rates(v, e);
    }
    return rc;
}

/* ---- rates -------------------------------------------------------------------------------------- */

static bool rate_in(const json_t *rates, const char *code, int64_t *micro)
{
    char prefix[8];
    const json_t *prefixes = json_obj(rates, "prefixes");
    for (size_t len = strlen(code); len > 0 && len < sizeof(prefix); len--) {
        memcpy(prefix, code, len);
        prefix[len] = '\0';
        const char *text = json_str(prefixes, prefix);
        if (text != NULL && tariff_amount(text, micro) == 0) {
            return true;
        }
    }
    const char *text = json_str(rates, "default");
    return text != NULL && tariff_amount(text, micro) == 0;
}

int64_t tariff_rate(const json_t *tariff, const char *channel, const char *code)
{
    int64_t micro = 0;
    const json_t *own = json_obj(json_obj(tariff, "channels"), channel);
    if (tariff != NULL && !(own != NULL && rate_in(own, code, &micro)) &&
        !rate_in(tariff, code, &micro)) {
        micro = 0;
    }
    return micro;
}
