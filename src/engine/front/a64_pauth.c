/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointer authentication (FEAT_PAuth; manual C6.2 PACIA.., AUTIA.., D8.9). With a key that
 * SCTLR_EL1 does not enable these instructions do nothing, and the combined ones only branch,
 * return or load: that is for the helpers to see, whose masks are zero then. Bits of the mode would
 * have code translated twice, since Linux switches keys on late and some of them with each process.
 */
#include "engine/front/a64.h"

#include "arm/exception.h"
#include "arm/pauth.h"

/* ---- what the helpers do ----------------------------------------------------------------------*/

#define PAC_HELPERS(KEY, key)                                                                      \
    uint64_t a64_help_pac##key(void *cpu, uint64_t a, uint64_t b, uint64_t c)                      \
    {                                                                                              \
        return arm_pac_add(cpu, a, b, ARM_PAC_##KEY, ir_seal_hash);                                \
    }                                                                                              \
    uint64_t a64_help_aut##key(void *cpu, uint64_t a, uint64_t b, uint64_t c)                      \
    {                                                                                              \
        return arm_pac_auth(cpu, a, b, ARM_PAC_##KEY, false, ir_seal_hash);                        \
    }                                                                                              \
    uint64_t a64_help_combined_aut##key(void *cpu, uint64_t a, uint64_t b, uint64_t c)             \
    {                                                                                              \
        return arm_pac_auth(cpu, a, b, ARM_PAC_##KEY, true, ir_seal_hash);                         \
    }
PAC_HELPERS(IA, ia)
PAC_HELPERS(IB, ib)
PAC_HELPERS(DA, da)
PAC_HELPERS(DB, db)
#undef PAC_HELPERS

/* b: a data address. */
uint64_t a64_help_xpac(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return arm_pac_strip(cpu, a, b != 0);
}

/* The upper half of a code. */
uint64_t a64_help_pacga(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    const struct arm_cpu *arm = cpu;
    return ir_seal_hash(a, b, arm->ap_generic_key) & ~0xffffffffull;
}

/* a: the address that was authenticated. */
uint64_t a64_help_eret_to(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_eret_to(cpu, a);
    return 0;
}

/* ---- adding, checking, removing ---------------------------------------------------------------*/

static void add_code(struct a64 *c, unsigned Rd, ir_ref modifier, enum arm_pac_key key)
{
    a64_set_x(c, Rd, a64_call(c, A64_HELPER_PACIA + key, a64_x(c, Rd), modifier, IR_NONE));
}

static void check_code(struct a64 *c, unsigned Rd, ir_ref modifier, enum arm_pac_key key)
{
    a64_set_x(c, Rd, a64_call(c, A64_HELPER_AUTIA + key, a64_x(c, Rd), modifier, IR_NONE));
}

/* A pointer checked by the instruction that uses it. */
static ir_ref combined(struct a64 *c, ir_ref pointer, ir_ref modifier, enum arm_pac_key key)
{
    return a64_call(c, A64_HELPER_COMBINED_AUTIA + key, pointer, modifier, IR_NONE);
}

static void strip(struct a64 *c, unsigned Rd, bool data)
{
    a64_set_x(c, Rd, a64_call(c, A64_HELPER_XPAC, a64_x(c, Rd), a64_k(c, data), IR_NONE));
}

void a64_pac_1src(struct a64 *c, const struct a64_pac_1src *f)
{
    if (f->Z && f->Rn != 31) {
        a64_undefined(c);
        return;
    }
    ir_ref modifier = f->Z ? a64_k(c, 0) : a64_xsp(c, f->Rn);
    if (f->op == A64_PAC_1src)
        add_code(c, f->Rd, modifier, (enum arm_pac_key)f->key);
    else
        check_code(c, f->Rd, modifier, (enum arm_pac_key)f->key);
}

void a64_xpac_1src(struct a64 *c, const struct a64_xpac_1src *f)
{
    strip(c, f->Rd, f->D);
}

void a64_pacga(struct a64 *c, const struct a64_pacga *f)
{
    ir_ref code = a64_call(c, A64_HELPER_PACGA, a64_x(c, f->Rn), a64_xsp(c, f->Rm), IR_NONE);
    a64_set_x(c, f->Rd, code);
}

bool a64_pauth_hint(struct a64 *c, unsigned hint)
{
    enum arm_pac_key key = hint & 2 ? ARM_PAC_IB : ARM_PAC_IA;
    ir_ref modifier;
    unsigned Rd = 30;
    if (!arm_has(c->features, ARM_FEAT_PAUTH))
        return false;
    if (hint == HINT_XPACLRI) {
        strip(c, 30, false);
        return true;
    }
    switch (hint & ~6u) {
    case HINT_PACIA1716: /* ..1716 */
        Rd = 17;
        modifier = a64_x(c, 16);
        break;
    case HINT_PACIAZ: /* ..Z */
        modifier = a64_k(c, 0);
        break;
    case HINT_PACIAZ + 1: /* ..SP */
        modifier = a64_xsp(c, 31);
        break;
    default:
        return false;
    }
    if (hint & 4)
        check_code(c, Rd, modifier, key);
    else
        add_code(c, Rd, modifier, key);
    return true;
}

/* ---- branches, returns, loads -----------------------------------------------------------------*/

/* Z: the modifier is Xm|SP, else zero. */
static ir_ref branch_target(struct a64 *c, unsigned Z, unsigned M, unsigned Rn, unsigned Rm)
{
    ir_ref modifier = Z ? a64_xsp(c, Rm) : a64_k(c, 0);
    return combined(c, a64_x(c, Rn), modifier, M ? ARM_PAC_IB : ARM_PAC_IA);
}

void a64_bra(struct a64 *c, const struct a64_bra *f)
{
    if (!f->Z && f->Rm != 31) {
        a64_undefined(c);
        return;
    }
    a64_poll(c);
    ir_ref to = branch_target(c, f->Z, f->M, f->Rn, f->Rm);
    a64_goto_reg(c, to, IR_JUMP_PLAIN | a64_landing_br(c, f->Rn));
}

void a64_blra(struct a64 *c, const struct a64_blra *f)
{
    if (!f->Z && f->Rm != 31) {
        a64_undefined(c);
        return;
    }
    a64_poll(c);
    ir_ref to = branch_target(c, f->Z, f->M, f->Rn, f->Rm);
    a64_set_x(c, 30, ir_pcrel(c->ir, c->pgoff + 4));
    if (!(c->mode & FRONT_STEP))
        ir_pushret(c->ir, c->pgoff + 4);
    a64_goto_reg(c, to, IR_JUMP_CALL | a64_landing_blr(c));
}

void a64_reta(struct a64 *c, const struct a64_reta *f)
{
    a64_poll(c);
    ir_ref to = combined(c, a64_x(c, 30), a64_xsp(c, 31), f->M ? ARM_PAC_IB : ARM_PAC_IA);
    a64_goto_reg(c, to, IR_JUMP_RET);
}

void a64_ereta(struct a64 *c, const struct a64_ereta *f)
{
    if (!(c->mode & FRONT_EL1)) {
        a64_undefined(c);
        return;
    }
    ir_ref elr = ir_get(c->ir, IR_I64, offsetof(struct arm_cpu, elr_el1));
    ir_ref to = combined(c, elr, a64_xsp(c, 31), f->M ? ARM_PAC_IB : ARM_PAC_IA);
    a64_call(c, A64_HELPER_ERET_TO, to, IR_NONE, IR_NONE);
    ir_exitx(c->ir);
    c->ended = true;
}

/* LDRAA, LDRAB. With write-back and Rt = Rn the write-back is suppressed, as in other loads. */
void a64_ldra(struct a64 *c, const struct a64_ldra *f)
{
    int64_t offset = sext64(f->S << 9 | f->imm9, 10) * 8;
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = combined(c, a64_xsp(c, f->Rn), a64_k(c, 0), f->M ? ARM_PAC_DB : ARM_PAC_DA);
    ir_ref address = a64_addk(c, base, offset);
    a64_set_x(c, f->Rt, ir_ld(c->ir, IR_I64, address, a64_memop(c, 3, 0)));
    if (f->W && (f->Rn != f->Rt || f->Rn == 31))
        a64_set_xsp(c, f->Rn, address);
}
