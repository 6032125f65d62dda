/*
 * By which words a contact is found. Terms in the index, each with the contact's id behind it:
 *
 *   n<name>    the whole name, folded: exact and "begins with"
 *   w<word>    every word of the name, the name it gave itself and the one that we saved
 *   p<digits>  the number: "begins with" by range, "has in it" by walking these short rows
 */
#include "contact.h"

#include "json.h"
#include "text.h"

#include <string.h>

#define TERMS_MAX 24
#define NAME_FOLDED_MAX (2 * PERSON_NAME_MAX)

/* U+00C0 to U+017F without their accents; '.': as it is. */
static const char latin[] = "aaaaaa.ceeeeiiii.nooooo.ouuuuy.."
                            "aaaaaa.ceeeeiiii.nooooo.ouuuuy.y"
                            "aaaaaaccccccccddddeeeeeeeeeegggg"
                            "gggghhhhiiiiiiiiii..jjkk.lllllll"
                            "lllnnnnnn...oooooo..rrrrrrssssss"
                            "ssttttttuuuuuuuuuuuuwwyyyzzzzzz.";

static size_t fold_one(const unsigned char *s, size_t len, char out[4])
{
    if (len == 1) {
        out[0] = (char)(*s >= 'A' && *s <= 'Z' ? *s - 'A' + 'a' : *s);
        return 1;
    }
    unsigned c = len == 2 ? (unsigned)(s[0] & 0x1F) << 6 | (s[1] & 0x3F) : 0;
    if (c >= 0xC0 && c - 0xC0 < sizeof(latin) - 1 && latin[c - 0xC0] != '.') {
        out[0] = latin[c - 0xC0];
        return 1;
    }
    if (c >= 0x300 && c < 0x370) {
        return 0; /* an accent by itself */
    }
    memcpy(out, s, len);
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F)) {
        c += 0x20; /* Latin, Greek and Cyrillic capitals */
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3F));
    }
    return len;
}

size_t term_fold(const char *in, char *out, size_t size)
{
    size_t n = 0, left = in != NULL ? strlen(in) : 0;
    while (left > 0) {
        char one[4];
        size_t len = text_utf8_next(in, left);
        if (len == 0) {
            break;
        }
        size_t folded = fold_one((const unsigned char *)in, len, one);
        if (n + folded + 1 > size) {
            break;
        }
        memcpy(out + n, one, folded);
        n += folded;
        in += len;
        left -= len;
    }
    out[n] = '\0';
    return n;
}

static bool in_word(unsigned char c)
{
    return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z');
}

bool term_next(const char **s, const char **word, size_t *len)
{
    const char *p = *s;
    while (*p != '\0' && !in_word((unsigned char)*p)) {
        p++;
    }
    *word = p;
    while (*p != '\0' && in_word((unsigned char)*p)) {
        p++;
    }
    *len = (size_t)(p - *word);
    *s = p;
    return *len > 0;
}

struct terms {
    size_t count;
    char term[TERMS_MAX][TERM_MAX + 2]; /* kind and word */
};

static void add(struct terms *all, char kind, const char *word, size_t len)
{
    char term[TERM_MAX + 2];
    len = text_utf8_cut(word, len, TERM_MAX);
    if (len == 0 || all->count == TERMS_MAX) {
        return;
    }
    term[0] = kind;
    memcpy(term + 1, word, len);
    term[1 + len] = '\0';
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->term[i], term) == 0) {
            return;
        }
    }
    memcpy(all->term[all->count++], term, len + 2);
}

static void add_words(struct terms *all, const char *name, bool whole)
{
    char folded[NAME_FOLDED_MAX];
    const char *s = folded, *word;
    size_t len = term_fold(name, folded, sizeof(folded));
    if (whole) {
        add(all, 'n', folded, len);
    }
    while (term_next(&s, &word, &len)) {
        add(all, 'w', word, len);
    }
}

static void collect(const json_t *doc, struct terms *out)
{
    out->count = 0;
    if (doc == NULL) {
        return;
    }
    const char *phone = json_str_or(doc, "phone", "");
    add(out, 'p', phone, strlen(phone));
    add_words(out, json_str_or(doc, "name", ""), true);
    add_words(out, json_str_or(doc, "push_name", ""), false);
    add_words(out, json_str_or(doc, "saved_name", ""), false);
}

static bool has(const struct terms *all, const char *term)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strcmp(all->term[i], term) == 0) {
            return true;
        }
    }
    return false;
}

int terms_update(struct store_txn *t, const struct message_owner *o, const char *id,
                 const json_t *was, const json_t *now)
{
    struct terms old, new;
    int rc = 0;
    collect(was, &old);
    collect(now, &new);
    for (size_t i = 0; rc == 0 && i < old.count; i++) {
        if (!has(&new, old.term[i])) {
            rc = store_del(t, STORE_TERMS, STORE_PATH(o->tenant, o->session, old.term[i], id));
            rc = rc == E_NOTFOUND ? 0 : rc;
        }
    }
    for (size_t i = 0; rc == 0 && i < new.count; i++) {
        if (!has(&old, new.term[i])) {
            rc = store_put(t, STORE_TERMS, STORE_PATH(o->tenant, o->session, new.term[i], id), "",
                           0);
        }
    }
    return rc;
}
