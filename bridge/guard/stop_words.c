/*
 * Chosen with care: each is what somebody writes who wants no more messages, and little else. Words
 * that also answer an ordinary question ("cancel", "no", "fim") are left to the tenant's own list.
 */
#include "stop_words.h"

#include "guard_fold.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static const char *const none[] = {NULL};

/* In GUARD_PLAIN: lower case, no accents, Farsi forms of Arabic letters. */
static const struct {
    const char *language;
    const char *const *out, *const *in;
} languages[] = {
    {"en", WORDS("stop", "stop all", "stopall", "unsubscribe", "opt out", "optout"),
     WORDS("start", "unstop", "subscribe", "opt in", "optin")},
    {"pt", WORDS("parar", "pare", "sair", "descadastrar", "cancelar inscricao"),
     WORDS("voltar a receber", "cadastrar", "inscrever")},
    {"es", WORDS("baja", "parar", "darme de baja", "cancelar suscripcion"),
     WORDS("alta", "reanudar", "suscribir")},
    {"fr", WORDS("arret", "arreter", "desabonner", "desinscrire"),
     WORDS("reprendre", "abonner", "reabonner")},
    {"de", WORDS("stopp", "abmelden", "abbestellen"), WORDS("anmelden", "fortsetzen")},
    {"it", WORDS("disiscrivimi", "annulla iscrizione"), WORDS("iscrivimi", "riprendi")},
    {"tr", WORDS("durdur", "abonelikten cık", "abonelikten cik"), WORDS("baslat")},
    {"ru", WORDS("стоп", "отписаться", "отписка"), WORDS("старт", "подписаться")},
    {"id", WORDS("berhenti", "berhenti langganan"), WORDS("mulai", "langganan")},
    {"hi", WORDS("रोकें", "रुकें", "बंद करें"), WORDS("शुरू करें")},
    {"ar", WORDS("توقف", "ایقاف", "اوقف", "قف", "الغاء الاشتراک"), WORDS("ابدا", "اشتراک")},
    {"fa", WORDS("توقف", "لغو", "لغو اشتراک", "لغو عضویت"), WORDS("شروع", "عضویت", "اشتراک")},
};
#define LANGUAGES (sizeof(languages) / sizeof(languages[0]))

const char *const stop_languages[] = {"en", "pt", "es", "fr", "de", "it", "tr",
                                      "ru", "id", "hi", "ar", "fa", NULL};

const char *const *stop_words_of(const char *language, enum stop_kind kind)
{
    for (size_t i = 0; i < LANGUAGES; i++) {
        if (strcmp(languages[i].language, language) == 0) {
            return kind == STOP_OUT ? languages[i].out : kind == STOP_IN ? languages[i].in : none;
        }
    }
    return NULL;
}

bool stop_language(const char *language)
{
    return stop_words_of(language, STOP_NONE) != NULL;
}

static bool has(const char *const *words, const char *s)
{
    for (; words != NULL && *words != NULL; words++) {
        if (strcmp(*words, s) == 0) {
            return true;
        }
    }
    return false;
}

static enum stop_kind in_language(const char *language, const char *s)
{
    return has(stop_words_of(language, STOP_OUT), s)  ? STOP_OUT
           : has(stop_words_of(language, STOP_IN), s) ? STOP_IN
                                                      : STOP_NONE;
}

/* The tenant's own words. */
static bool has_own(const json_t *list, const char *s)
{
    bool found = false;
    for (size_t i = 0; !found && i < json_array_size(list); i++) {
        const char *word = json_string_value(json_array_get(list, i));
        char *plain = word != NULL ? guard_fold(word, strlen(word), GUARD_PLAIN) : NULL;
        found = plain != NULL && plain[0] != '\0' && strcmp(plain, s) == 0;
        free(plain);
    }
    return found;
}

static enum stop_kind in_languages(const json_t *list, const char *s)
{
    enum stop_kind kind = STOP_NONE;
    for (size_t i = 0; list == NULL && kind != STOP_OUT && i < LANGUAGES; i++) {
        enum stop_kind one = in_language(languages[i].language, s);
        kind = one != STOP_NONE ? one : kind;
    }
    for (size_t i = 0; kind != STOP_OUT && i < json_array_size(list); i++) {
        const char *language = json_string_value(json_array_get(list, i));
        enum stop_kind one = language != NULL ? in_language(language, s) : STOP_NONE;
        kind = one != STOP_NONE ? one : kind;
    }
    return kind;
}

enum stop_kind stop_word(const char *text, const json_t *settings)
{
    size_t len = strnlen(text, STOP_TEXT_MAX + 1);
    char *s = len >= 1 && len <= STOP_TEXT_MAX ? guard_fold(text, len, GUARD_PLAIN) : NULL;
    enum stop_kind kind = STOP_NONE;
    if (s != NULL && s[0] != '\0') {
        kind = has_own(json_arr(settings, "keywords"), s)          ? STOP_OUT
               : has_own(json_arr(settings, "resume_keywords"), s) ? STOP_IN
                                                                   : STOP_NONE;
        kind = kind != STOP_NONE ? kind : in_languages(json_arr(settings, "languages"), s);
    }
    free(s);
    return kind;
}
