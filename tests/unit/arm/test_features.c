/* SPDX-License-Identifier: Apache-2.0 */
/* The --cpu option. */
#include "pe.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

static struct arm_features parsed(const char *spec)
{
    struct arm_features f;

    assert_int_equal(arm_features_parse(&f, spec, NULL), 0);
    return f;
}

static void default_model_is_max_with_everything(void **state)
{
    struct arm_features f = parsed(NULL);

    assert_string_equal(f.model, "max");
    for (unsigned i = 0; i < ARM_FEATURES; i++)
        assert_true(arm_has(&f, i));
}

static void every_model_parses_with_its_own_midr(void **state)
{
    uint64_t seen[16];
    unsigned n = 0;

    for (; arm_model_name(n); n++) {
        seen[n] = parsed(arm_model_name(n)).midr;
        for (unsigned i = 0; i < n; i++)
            assert_int_not_equal(seen[i], seen[n]);
    }
    assert_int_equal(n, 4);
}

static void features_are_added_and_removed(void **state)
{
    struct arm_features f = parsed("cortex-a53,+lse,-crc32");

    assert_true(arm_has(&f, ARM_FEAT_LSE));
    assert_false(arm_has(&f, ARM_FEAT_CRC32));
}

static void dependent_features_come_and_go_together(void **state)
{
    struct arm_features f = parsed("max,-aes,-pan");

    assert_false(arm_has(&f, ARM_FEAT_PMULL));
    assert_false(arm_has(&f, ARM_FEAT_PAN2));
    f = parsed("cortex-a53,+flagm2");
    assert_true(arm_has(&f, ARM_FEAT_FLAGM));
    f = parsed("cortex-a53,+sha3,+fhm"); /* SHA3 and SHA512 need each other */
    assert_true(arm_has(&f, ARM_FEAT_SHA512));
    assert_true(arm_has(&f, ARM_FEAT_FP16));
    f = parsed("max,-sha256,-sm3");
    assert_false(arm_has(&f, ARM_FEAT_SHA3));
    assert_false(arm_has(&f, ARM_FEAT_SM4));
}

static void every_feature_has_a_name_that_parses(void **state)
{
    for (unsigned i = 0; i < ARM_FEATURES; i++) {
        char spec[64] = "cortex-a53,+";
        assert_non_null(arm_feature_name(i));
        strcat(spec, arm_feature_name(i));
        struct arm_features f = parsed(spec);
        assert_true(arm_has(&f, i));
    }
    assert_null(arm_feature_name(ARM_FEATURES));
}

static void mistakes_are_refused_with_the_choices(void **state)
{
    static const char *const specs[] = {"",        "cortex",      "max,",
                                        "max,lse", "max,+nosuch", "max,,+lse"};

    for (unsigned i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct arm_features f;
        struct error err = {0};
        assert_int_equal(arm_features_parse(&f, specs[i], &err), -EINVAL);
        assert_non_null(strstr(err.text, i < 2 ? "neoverse-n1" : "dgh"));
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_model_is_max_with_everything),
        cmocka_unit_test(every_model_parses_with_its_own_midr),
        cmocka_unit_test(features_are_added_and_removed),
        cmocka_unit_test(dependent_features_come_and_go_together),
        cmocka_unit_test(every_feature_has_a_name_that_parses),
        cmocka_unit_test(mistakes_are_refused_with_the_choices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
