/* base64 (RFC 4648, section 4) and hexadecimal, as declared in crypto.h. */
#include "crypto.h"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t crypto_base64(const void *data, size_t len, char *out)
{
    const uint8_t *in = data;
    char *p = out;
    size_t i = 0;
    for (; len - i >= 3; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        *p++ = base64[v >> 18];
        *p++ = base64[v >> 12 & 63];
        *p++ = base64[v >> 6 & 63];
        *p++ = base64[v & 63];
    }
    if (i < len) {
        bool two = len - i == 2;
        uint32_t v = (uint32_t)in[i] << 16 | (two ? (uint32_t)in[i + 1] << 8 : 0);
        *p++ = base64[v >> 18];
        *p++ = base64[v >> 12 & 63];
        *p++ = two ? base64[v >> 6 & 63] : '=';
        *p++ = '=';
    }
    *p = '\0';
    return (size_t)(p - out);
}

/* 0..63, or 64 for what is not in the alphabet */
static uint32_t sextet(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return (uint32_t)(c - 'A');
    } else if (c >= 'a' && c <= 'z') {
        return (uint32_t)(c - 'a' + 26);
    } else if (c >= '0' && c <= '9') {
        return (uint32_t)(c - '0' + 52);
    } else if (c == '+') {
        return 62;
    }
    return c == '/' ? 63 : 64;
}

int crypto_base64_decode(const char *s, size_t len, uint8_t *out, size_t *out_len)
{
    *out_len = 0;
    if (len % 4 != 0) {
        return E_INVALID;
    }
    size_t n = 0;
    for (size_t i = 0; i < len; i += 4) {
        size_t pad = 0;
        if (i + 4 == len) {
            pad = s[i + 3] != '=' ? 0 : s[i + 2] != '=' ? 1 : 2;
        }
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++) {
            uint32_t six = k < 4 - pad ? sextet(s[i + k]) : 0;
            if (six > 63) {
                return E_INVALID;
            }
            v = v << 6 | six;
        }
        /* One text for one value: the bits that padding leaves over are zero. */
        if ((pad == 1 && (v & 0xFF) != 0) || (pad == 2 && (v & 0xFFFF) != 0)) {
            return E_INVALID;
        }
        out[n++] = (uint8_t)(v >> 16);
        if (pad < 2) {
            out[n++] = (uint8_t)(v >> 8);
        }
        if (pad < 1) {
            out[n++] = (uint8_t)v;
        }
    }
    *out_len = n;
    return 0;
}

void crypto_hex(const void *data, size_t len, char *out)
{
    static const char digit[] = "0123456789abcdef";
    const uint8_t *in = data;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digit[in[i] >> 4];
        out[2 * i + 1] = digit[in[i] & 15];
    }
    out[2 * len] = '\0';
}
