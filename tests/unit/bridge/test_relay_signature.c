/* Signatures against published and independently computed values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "crypto.h"
#include "signature.h"

#include <string.h>

#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define BODY "{\"test\": 2432232314}"

static void sign(const char *text, size_t body_len, char *standard, char *hub)
{
    assert_int_equal(signature_sign(SECRET, text, strlen(text), body_len, standard, hub), 0);
}

/* The example of the Standard Webhooks specification. */
static void standard_webhooks_vector(void **state)
{
    (void)state;
    char standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN];
    sign("msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330." BODY, strlen(BODY), standard, hub);
    assert_string_equal(standard, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

/* printf '%s' BODY | openssl dgst -sha256 -hmac SECRET */
static void hub_is_over_the_body_with_the_whole_secret(void **state)
{
    (void)state;
    char standard[SIGNATURE_STANDARD_LEN], hub[SIGNATURE_HUB_LEN], other[SIGNATURE_HUB_LEN];
    sign("a.1." BODY, strlen(BODY), standard, hub);
    sign("b.2." BODY, strlen(BODY), standard, other);
    assert_string_equal(hub, other);
    assert_string_equal(hub,
                        "sha256=80ec8a89ce3cd22133a1066caecb4d04fea7467657c8514d717ec42c38a5c94c");
}

static void secrets_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "whsec_",
        "short",
        "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS!",
        "whsec_c2hvcnQ=",
        ("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
         "AAAAAAAA"),
    };
    uint8_t key[SIGNATURE_KEY_MAX];
    size_t len = 0;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct err e;
        err_clear(&e);
        assert_int_equal(signature_key(bad[i], key, &len, &e), E_INVALID);
        assert_string_equal(e.field, "secret");
    }
    assert_int_equal(signature_key(NULL, key, &len, NULL), E_INVALID);
}

static void made_secrets_work_and_differ(void **state)
{
    (void)state;
    char a[SIGNATURE_SECRET_LEN], b[SIGNATURE_SECRET_LEN];
    uint8_t key[SIGNATURE_KEY_MAX];
    size_t len = 0;
    signature_secret_make(a);
    signature_secret_make(b);
    assert_string_not_equal(a, b);
    assert_int_equal(signature_key(a, key, &len, NULL), 0);
    assert_int_equal(len, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(standard_webhooks_vector),
        cmocka_unit_test(hub_is_over_the_body_with_the_whole_secret),
        cmocka_unit_test(secrets_that_are_none),
        cmocka_unit_test(made_secrets_work_and_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
