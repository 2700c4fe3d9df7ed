/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating-point and vector instructions where no user-mode oracle can show them: big-endian data,
 * alignment checking, trapped FP, accesses that fault half-way, literals. Interpreted, one
 * instruction a test, with 256 bytes of memory at the start of the instruction's own page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "arm/exception.h"
#include "base/bits.h"
#include "engine/front/a64.h"
#include "simd_values.h"

enum { PAGE_VA = 0x7000, MEMORY = 256, CODE_AT = 0x800 };

struct pe {
    struct arm_cpu cpu; /* first: services get its address */
    struct arm_features features;
    uint8_t memory[MEMORY];
    bool faulted;
};

/* ---- memory -----------------------------------------------------------------------------------*/

static uint8_t *reach(void *cpu, uint64_t va, unsigned bytes, uint32_t memop)
{
    struct pe *pe = cpu;
    const bool aligned = !(memop & IR_MEM_ALIGN_EL) || va % IR_MEM_BYTES(memop) == 0;
    if (va - PAGE_VA <= MEMORY - bytes && aligned && !pe->faulted)
        return pe->memory + (va - PAGE_VA);
    pe->faulted = true;
    pe->cpu.raised = 1;
    return NULL;
}

static void copy_element(void *to, const void *from, uint32_t memop)
{
    const unsigned size = IR_MEM_BYTES(memop);
    for (unsigned i = 0; i < size; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[memop & IR_MEM_BE ? size - 1 - i : i];
}

static uint64_t load(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    uint64_t x = 0;
    const uint8_t *p = reach(cpu, va, IR_MEM_BYTES(memop), memop);
    if (p)
        copy_element(&x, p, memop);
    return x;
}

static void store(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    uint8_t *p = reach(cpu, va, IR_MEM_BYTES(memop), memop);
    if (p)
        copy_element(p, &value, memop);
}

static void load_vectors(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    union v128 *scratch = ((struct pe *)cpu)->cpu.scratch;
    const uint8_t *p = reach(cpu, va, count << IR_MEM_SIZE(memop), memop);
    for (unsigned i = 0; p && i < count; i++) {
        scratch[i] = (union v128){0};
        copy_element(&scratch[i], p + (i << IR_MEM_SIZE(memop)), memop);
    }
}

static void store_vectors(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    const union v128 *scratch = ((struct pe *)cpu)->cpu.scratch;
    uint8_t *p = reach(cpu, va, count << IR_MEM_SIZE(memop), memop);
    for (unsigned i = 0; p && i < count; i++)
        copy_element(p + (i << IR_MEM_SIZE(memop)), &scratch[i + 1], memop);
}

static void probe(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    reach(cpu, va, len, memop);
}

static const struct ir_runtime runtime = {
    .ld = load,
    .st = store,
    .ldv = load_vectors,
    .stv = store_vectors,
    .probe = probe,
};

static void nothing(struct arm_cpu *cpu)
{
}

static const struct arm_engine_ops engine_ops = {.context_changed = nothing};

/* ---- running ----------------------------------------------------------------------------------*/

static void prepare(struct pe *pe, uint64_t seed)
{
    memset(pe, 0, sizeof(*pe));
    pe->features = (struct arm_features){.model = "max", .have = ~0ull, .gic = 3};
    pe->cpu.features = &pe->features;
    pe->cpu.engine_ops = &engine_ops;
    pe->cpu.pc_page = PAGE_VA;
    pe->cpu.pc = PAGE_VA + CODE_AT;
    pe->cpu.esr_el1 = ~0ull;
    for (unsigned i = 0; i < 32; i++)
        pe->cpu.v[i] = simd_vector(&seed);
    for (unsigned i = 0; i < MEMORY; i++)
        pe->memory[i] = (uint8_t)simd_random(&seed);
}

static void run(struct pe *pe, uint32_t word, uint32_t mode)
{
    static const size_t page_size = 4096;
    uint8_t *page = calloc(1, page_size);
    struct ir *ir = ir_create();
    struct front_region region = {
        .code = page, .pgoff = CODE_AT, .mode = mode, .max_insns = 1, .features = &pe->features};
    char buf[160];
    assert_non_null(page);
    assert_non_null(ir);
    st_le(page + CODE_AT, 4, word);
    a64_translate(&region, ir);
    assert_null(ir_verify(ir, a64_helpers, a64_nhelpers, buf, sizeof(buf)));
    ir_interpret(ir, &pe->cpu, &a64_layout, &runtime, a64_helpers);
    ir_destroy(ir);
    free(page);
}

static unsigned exception_class(const struct pe *pe)
{
    return (unsigned)bits(pe->cpu.esr_el1, 31, 26);
}

static void assert_bytes_reversed(const uint8_t *got, const uint8_t *from, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        assert_int_equal(got[i], from[size - 1 - i]);
}

/* ---- tests ------------------------------------------------------------------------------------*/

static void a_literal_is_found_relative_to_the_instruction(void **state)
{
    struct pe pe;
    prepare(&pe, 1);
    /* LDR Q5, PC - 0x800 + 32 */
    run(&pe, 0x9c000005u | ((uint32_t)(-0x800 + 32) / 4 & 0x7ffff) << 5, 0);
    assert_memory_equal(&pe.cpu.v[5], pe.memory + 32, 16);
    prepare(&pe, 2);
    run(&pe, 0x1c000005u | ((uint32_t)(-0x800 + 32) / 4 & 0x7ffff) << 5, 0); /* LDR S5 */
    assert_int_equal(pe.cpu.v[5].d[0], ld_le(pe.memory + 32, 4));
    assert_int_equal(pe.cpu.v[5].d[1], 0);
}

static void a_big_endian_register_is_one_number(void **state)
{
    struct pe pe;
    prepare(&pe, 3);
    pe.cpu.x[1] = PAGE_VA + 8;
    run(&pe, 0x3dc00020u, FRONT_BE); /* LDR Q0, [X1] */
    assert_bytes_reversed(pe.cpu.v[0].b, pe.memory + 8, 16);
    run(&pe, 0xfd000422u, FRONT_BE); /* STR D2, [X1, 8] */
    assert_bytes_reversed(pe.memory + 16, pe.cpu.v[2].b, 8);
    run(&pe, 0x6d410c22u, FRONT_BE); /* LDP D2, D3, [X1, 16] */
    assert_bytes_reversed(pe.cpu.v[2].b, pe.memory + 24, 8);
    assert_bytes_reversed(pe.cpu.v[3].b, pe.memory + 32, 8);
}

static void big_endian_structures_are_made_of_elements(void **state)
{
    struct pe pe;
    for (unsigned size = 0; size < 4; size++) {
        const unsigned e = 1u << size;
        prepare(&pe, 4 + size);
        pe.cpu.x[1] = PAGE_VA + 8;
        run(&pe, 0x4c407020u | size << 10, FRONT_BE); /* LD1 {V0}, [X1] */
        for (unsigned i = 0; i < 16; i += e)
            assert_bytes_reversed(pe.cpu.v[0].b + i, pe.memory + 8 + i, e);
        run(&pe, 0x4c404020u | size << 10, FRONT_BE); /* LD3 {V0-V2}, [X1] */
        for (unsigned i = 0; i < 48 / e; i++)
            assert_bytes_reversed(pe.cpu.v[i % 3].b + i / 3 * e, pe.memory + 8 + i * e, e);
        run(&pe, 0x4c000024u | size << 10, FRONT_BE); /* ST4 {V4-V7}, [X1] */
        for (unsigned i = 0; i < 64 / e; i++)
            assert_bytes_reversed(pe.memory + 8 + i * e, pe.cpu.v[4 + i % 4].b + i / 4 * e, e);
    }
}

static void alignment_is_checked_by_element(void **state)
{
    static const struct {
        uint32_t word;
        uint64_t offset;
        bool faults;
    } cases[] = {
        {0x4c402020, 9, false},                         /* LD1 {V0.16B-V3.16B}, [X1] */
        {0x4c402c20, 9, true},                          /* LD1 {V0.2D-V3.2D} */
        {0x4c402c20, 8, false},  {0x4c002820, 6, true}, /* ST1 {V0.4S-V3.4S} */
        {0x4c008820, 4, false},                         /* ST2 {V0.4S, V1.4S} */
        {0x4c408420, 5, true},                          /* LD2 {V0.8H, V1.8H} */
        {0x3dc00020, 8, true},                          /* LDR Q0 */
        {0x3dc00020, 16, false}, {0xad400420, 8, true}, /* LDP Q0, Q1 */
        {0x6d400420, 8, false},                         /* LDP D0, D1 */
        {0x0d608020, 6, true},                          /* LD2 {V0.S, V1.S}[0] */
        {0x0d608020, 4, false},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct pe pe;
        prepare(&pe, i + 1);
        pe.cpu.x[1] = PAGE_VA + cases[i].offset;
        run(&pe, cases[i].word, FRONT_ALIGN);
        assert_int_equal(pe.faulted, cases[i].faults);
        prepare(&pe, i + 1);
        pe.cpu.x[1] = PAGE_VA + cases[i].offset;
        run(&pe, cases[i].word, 0);
        assert_false(pe.faulted);
    }
}

/* Whatever part of an access is beyond the end of memory. */
static void an_access_that_faults_changes_nothing(void **state)
{
    uint64_t seed = 5;
    for (unsigned r = A64_LDSTNP_v; r <= A64_LDST_lane_p; r++) {
        for (unsigned k = 0; k < 64; k++) {
            struct pe pe, before;
            uint32_t word = a64_rows[r].value | ((uint32_t)simd_random(&seed) & ~a64_rows[r].mask);
            prepare(&pe, k + 1);
            word = (word & ~(0x1fu << 5)) | 1u << 5;
            pe.cpu.x[1] = PAGE_VA + MEMORY - 1 - (k % 63);
            before = pe;
            run(&pe, word, 0);
            if (!pe.faulted)
                continue;
            assert_memory_equal(pe.memory, before.memory, MEMORY);
            assert_memory_equal(pe.cpu.v, before.cpu.v, sizeof(pe.cpu.v));
            assert_int_equal(pe.cpu.x[1], before.cpu.x[1]);
        }
    }
}

static void every_instruction_traps_when_fp_is_disabled(void **state)
{
    uint64_t seed = 6;
    for (unsigned r = A64_STR_v_uimm; r <= A64_XAR; r++) {
        struct pe pe;
        unsigned trapped = 0;
        if (a64_rows[r].absent)
            continue;
        for (unsigned k = 0; k < 24; k++) {
            const uint32_t word =
                a64_rows[r].value | ((uint32_t)simd_random(&seed) & ~a64_rows[r].mask);
            prepare(&pe, k + 1);
            run(&pe, word, FRONT_FP_TRAP);
            assert_true(pe.cpu.raised);
            /* Some are UNDEFINED, which comes first. */
            if (exception_class(&pe) == ARM_EC_FP) {
                assert_int_equal(pe.cpu.esr_el1 & 0x1ffffff, 0x1e00000);
                trapped++;
            } else {
                assert_int_equal(exception_class(&pe), ARM_EC_UNKNOWN);
            }
        }
        assert_true(trapped > 0);
    }
}

static void reserved_encodings_are_undefined_even_when_fp_is_disabled(void **state)
{
    static const uint32_t words[] = {
        0x0ee28420,            /* ADD V0.1D */
        0x4ee29c20,            /* MUL V0.2D */
        0x0ee2c020,            /* SMULL with 64-bit elements */
        0x0f410420,            /* SSHR V0.1D */
        0x0e62d420,            /* FADD V0.1D */
        0x0e030020 | 1u << 22, /* TBL with size 01 */
    };
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        struct pe pe;
        prepare(&pe, 1);
        run(&pe, words[i], FRONT_FP_TRAP);
        assert_int_equal(exception_class(&pe), ARM_EC_UNKNOWN);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_literal_is_found_relative_to_the_instruction),
        cmocka_unit_test(a_big_endian_register_is_one_number),
        cmocka_unit_test(big_endian_structures_are_made_of_elements),
        cmocka_unit_test(alignment_is_checked_by_element),
        cmocka_unit_test(an_access_that_faults_changes_nothing),
        cmocka_unit_test(every_instruction_traps_when_fp_is_disabled),
        cmocka_unit_test(reserved_encodings_are_undefined_even_when_fp_is_disabled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
