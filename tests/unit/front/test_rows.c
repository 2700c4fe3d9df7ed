/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the decoder tables yields sound IR, whatever its free bits and the mode. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/front/a64.h"

enum { SEED = 0x243f6a88 };

static uint64_t rnd(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static const uint32_t modes[] = {
    FRONT_EL1 | FRONT_SPSEL | FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_UMA | FRONT_NTWI |
        FRONT_NTWE,
    FRONT_EL1 | FRONT_BE | FRONT_SA | FRONT_UAO | FRONT_ALIGN | FRONT_FPCR,
    0,
    FRONT_DZE | FRONT_UCT | FRONT_STEP,
    FRONT_SA | FRONT_BREAK | FRONT_FP_TRAP | FRONT_STEP,
};

static void check_page(struct ir *ir, uint8_t *page, uint32_t pgoff, uint32_t mode, unsigned insns,
                       uint64_t have)
{
    const struct arm_features features = {.have = have, .gic = 3};
    struct front_region region = {
        .code = page, .pgoff = pgoff, .mode = mode, .max_insns = insns, .features = &features};
    char text[200];
    a64_translate(&region, ir);
    const char *wrong = ir_verify(ir, a64_helpers, a64_nhelpers, text, sizeof(text));
    if (wrong) {
        ir_print(ir, a64_helpers, stderr);
        fail_msg("insn %08x at %x, mode %x: %s", (uint32_t)ld_le(page + pgoff, 4), pgoff, mode,
                 wrong);
    }
    assert_false(ir->overflow);
    assert_true(region.insns >= 1 && region.insns <= insns);
    assert_true(region.first <= pgoff && region.last > pgoff && region.last <= 4096);
}

static void rows_translate_to_sound_ir(void **state)
{
    uint64_t seed = SEED;
    struct ir *ir = ir_create();
    uint8_t *page = calloc(1, 4096);
    for (unsigned row = 0; row < A64_ROWS; row++) {
        for (unsigned i = 0; i < 40; i++) {
            uint32_t insn = ((uint32_t)rnd(&seed) & ~a64_rows[row].mask) | a64_rows[row].value;
            uint32_t pgoff = i % 3 == 0 ? 4092 : i % 3 == 1 ? 0 : 2048;
            st_le(page + pgoff, 4, insn);
            check_page(ir, page, pgoff, modes[i % ARRAY_SIZE(modes)], 1, i % 8 == 7 ? 0 : ~0ull);
        }
    }
    free(page);
    ir_destroy(ir);
}

static void pages_of_random_rows_translate_to_sound_ir(void **state)
{
    uint64_t seed = SEED;
    struct ir *ir = ir_create();
    uint8_t *page = calloc(1, 4096);
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 1024; i++) {
            const struct a64_row *row = &a64_rows[rnd(&seed) % A64_ROWS];
            uint32_t insn = ((uint32_t)rnd(&seed) & ~row->mask) | row->value;
            if (i % 4 == 0) /* short conditional branches, forwards and backwards */
                insn = 0x54000000u | ((rnd(&seed) % 64 - 32) & 0x7ffff) << 5 | (rnd(&seed) & 15);
            st_le(page + 4 * i, 4, insn);
        }
        for (unsigned i = 0; i < 64; i++)
            check_page(ir, page, (uint32_t)(rnd(&seed) % 1024) * 4, modes[i % ARRAY_SIZE(modes)],
                       1 + rnd(&seed) % 64, ~0ull);
    }
    free(page);
    ir_destroy(ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_translate_to_sound_ir),
        cmocka_unit_test(pages_of_random_rows_translate_to_sound_ir),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
