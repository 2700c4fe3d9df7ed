/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of structures: LD1-LD4, ST1-ST4, multiple, single lane and replicated (manual
 * C7.2). Memory is moved in units as large as possible and (de)interleaved in registers. All of
 * it is accessible before anything changes: loads end before the first register is written, stores
 * that need more than one access are probed.
 */
#include "engine/front/a64_simd.h"

struct multiple {
    unsigned Q, size, regs, Rn, Rt;
    bool load, interleaved;
};

/* What memory holds, in order: n units of 1 << scale bytes, the last one perhaps of 8 bytes. */
struct units {
    unsigned scale, n;
    bool short_last;
    ir_ref v[4];
};

static struct units units_of(const struct multiple *m)
{
    if (!m->interleaved)
        return (struct units){.scale = m->Q ? 4 : 3, .n = m->regs};
    const unsigned bytes = m->regs * (m->Q ? 16 : 8);
    return (struct units){.scale = 4, .n = (bytes + 15) / 16, .short_last = bytes % 16 != 0};
}

/* Elements are big-endian, not units: the order within each is put right in registers. */
static ir_ref element_order(struct a64 *c, const struct multiple *m, ir_ref v)
{
    return c->mode & FRONT_BE && m->size ? ir_vrev(c->ir, v, 0, m->size) : v;
}

static void load_units(struct a64 *c, ir_ref addr, struct units *u)
{
    const unsigned pairs = (u->n - u->short_last) / 2 * 2;
    for (unsigned i = 0; i < u->n; i++) {
        ir_ref at = a64_addk(c, addr, (int64_t)i << u->scale);
        if (i < pairs) {
            u->v[i] = ir_ldv2(c->ir, at, u->scale);
            u->v[++i] = ir_hiv(c->ir);
        } else {
            u->v[i] = ir_ldv(c->ir, at, u->short_last && i == u->n - 1 ? 3 : u->scale);
        }
    }
}

static void store_units(struct a64 *c, ir_ref addr, const struct units *u)
{
    const unsigned pairs = (u->n - u->short_last) / 2 * 2;
    for (unsigned i = 0; i < u->n; i++) {
        ir_ref at = a64_addk(c, addr, (int64_t)i << u->scale);
        if (i < pairs) {
            ir_stv2(c->ir, at, u->v[i], u->v[i + 1], u->scale);
            i++;
        } else {
            ir_stv(c->ir, at, u->v[i], u->short_last && i == u->n - 1 ? 3 : u->scale);
        }
    }
}

/* A table of byte indices, as vtbl takes it. */
static ir_ref indices(struct a64 *c, const uint8_t index[16])
{
    return ir_vfromx(c->ir, a64_k(c, ld_le(index, 8)), a64_k(c, ld_le(index + 8, 8)));
}

/*
 * Three registers: byte k of memory is byte (k / 3 / e * e + k % e) of register k / e % 3, with e
 * bytes an element. gather() makes one result out of three sources by table look-up: want[i] says
 * which byte of the 48 of the sources goes to byte i (0xff: zero).
 */
static ir_ref gather(struct a64 *c, const ir_ref source[3], unsigned sources,
                     const uint8_t want[16])
{
    ir_ref result = IR_NONE;
    for (unsigned s = 0; s < sources; s++) {
        uint8_t index[16];
        bool any = false;
        for (unsigned i = 0; i < 16; i++) {
            const bool here = want[i] / 16 == s;
            index[i] = here ? want[i] % 16 : 0xff;
            any |= here;
        }
        if (!any)
            continue;
        ir_ref part = ir_vtbl(c->ir, source[s], indices(c, index));
        result = result == IR_NONE ? part : ir_vor(c->ir, result, part);
    }
    return result;
}

static void deinterleave3(struct a64 *c, const struct multiple *m, const struct units *u,
                          ir_ref reg[4])
{
    const unsigned e = 1u << m->size;
    for (unsigned r = 0; r < 3; r++) {
        uint8_t want[16];
        for (unsigned i = 0; i < 16; i++)
            want[i] = m->Q || i < 8 ? (uint8_t)((i / e * 3 + r) * e + i % e) : 0xff;
        reg[r] = gather(c, u->v, u->n, want);
    }
}

static void interleave3(struct a64 *c, const struct multiple *m, const ir_ref reg[4],
                        struct units *u)
{
    const unsigned e = 1u << m->size;
    for (unsigned n = 0; n < u->n; n++) {
        uint8_t want[16];
        for (unsigned i = 0; i < 16; i++) {
            const unsigned k = n * 16 + i, element = k / e;
            want[i] = k < (m->Q ? 48u : 24u) ? (uint8_t)(element % 3 * 16 + element / 3 * e + k % e)
                                             : 0xff;
        }
        u->v[n] = gather(c, reg, 3, want);
    }
}

static void deinterleave(struct a64 *c, const struct multiple *m, const struct units *u,
                         ir_ref reg[4])
{
    struct ir *ir = c->ir;
    const unsigned esz = m->size;
    if (m->regs == 3) {
        deinterleave3(c, m, u, reg);
        return;
    }
    /* With Q = 0 half as many units are there: each stands for both. */
    if (m->regs == 2) {
        ir_ref high = m->Q ? u->v[1] : u->v[0];
        reg[0] = ir_vuzp1(ir, u->v[0], high, esz);
        reg[1] = ir_vuzp2(ir, u->v[0], high, esz);
        return;
    }
    ir_ref even[2], odd[2];
    even[0] = ir_vuzp1(ir, u->v[0], u->v[1], esz);
    odd[0] = ir_vuzp2(ir, u->v[0], u->v[1], esz);
    even[1] = m->Q ? ir_vuzp1(ir, u->v[2], u->v[3], esz) : even[0];
    odd[1] = m->Q ? ir_vuzp2(ir, u->v[2], u->v[3], esz) : odd[0];
    reg[0] = ir_vuzp1(ir, even[0], even[1], esz);
    reg[1] = ir_vuzp1(ir, odd[0], odd[1], esz);
    reg[2] = ir_vuzp2(ir, even[0], even[1], esz);
    reg[3] = ir_vuzp2(ir, odd[0], odd[1], esz);
}

static void interleave(struct a64 *c, const struct multiple *m, const ir_ref reg[4],
                       struct units *u)
{
    struct ir *ir = c->ir;
    const unsigned esz = m->size;
    if (m->regs == 3) {
        interleave3(c, m, reg, u);
        return;
    }
    if (m->regs == 2) {
        u->v[0] = ir_vzip1(ir, reg[0], reg[1], esz);
        if (m->Q)
            u->v[1] = ir_vzip2(ir, reg[0], reg[1], esz);
        return;
    }
    ir_ref even = ir_vzip1(ir, reg[0], reg[2], esz), odd = ir_vzip1(ir, reg[1], reg[3], esz);
    u->v[0] = ir_vzip1(ir, even, odd, esz);
    u->v[1] = ir_vzip2(ir, even, odd, esz);
    if (m->Q) {
        even = ir_vzip2(ir, reg[0], reg[2], esz);
        odd = ir_vzip2(ir, reg[1], reg[3], esz);
        u->v[2] = ir_vzip1(ir, even, odd, esz);
        u->v[3] = ir_vzip2(ir, even, odd, esz);
    }
}

static void load_multiple(struct a64 *c, const struct multiple *m, ir_ref addr)
{
    struct units u = units_of(m);
    ir_ref reg[4];
    load_units(c, addr, &u);
    for (unsigned i = 0; i < u.n; i++)
        u.v[i] = element_order(c, m, u.v[i]);
    if (m->interleaved)
        deinterleave(c, m, &u, reg);
    for (unsigned i = 0; i < m->regs; i++) {
        if (m->interleaved)
            a64_set_vq(c, (m->Rt + i) % 32, m->Q, reg[i]);
        else
            a64_set_v(c, (m->Rt + i) % 32, u.v[i]);
    }
}

static void store_multiple(struct a64 *c, const struct multiple *m, ir_ref addr)
{
    struct units u = units_of(m);
    ir_ref reg[4];
    for (unsigned i = 0; i < m->regs; i++)
        reg[i] = a64_v(c, (m->Rt + i) % 32);
    if (m->interleaved)
        interleave(c, m, reg, &u);
    for (unsigned i = 0; i < u.n; i++)
        u.v[i] = element_order(c, m, m->interleaved ? u.v[i] : reg[i]);
    store_units(c, addr, &u);
}

/* How many registers, and whether their elements alternate; opcode<3:0> of the encoding. */
static bool decode_multiple(unsigned opcode, struct multiple *m)
{
    m->interleaved = opcode == 0 || opcode == 4 || opcode == 8;
    switch (opcode) {
    case 0: /* LD4 */
    case 2: /* LD1, four registers */
        m->regs = 4;
        break;
    case 4:
    case 6:
        m->regs = 3;
        break;
    case 8:
    case 10:
        m->regs = 2;
        break;
    default:
        m->regs = 1;
    }
    return !m->interleaved || m->size != 3 || m->Q;
}

/* Returns the base register's value, IR_NONE if the instruction has ended. */
static ir_ref multiple(struct a64 *c, struct multiple *m)
{
    if (!a64_simd_ok(c, decode_multiple((unsigned)bits(c->insn, 15, 12), m)))
        return IR_NONE;
    a64_mem_sp_check(c, m->Rn);
    ir_ref base = a64_xsp(c, m->Rn);
    const unsigned bytes = m->regs * (m->Q ? 16 : 8);
    /* Elements are what must be aligned, and units are not checked. */
    if (c->mode & FRONT_ALIGN || (!m->load && m->regs > 2))
        ir_probe(c->ir, base, a64_memop(c, m->size, m->load ? 0 : IR_MEM_WRITE), bytes);
    if (m->load)
        load_multiple(c, m, base);
    else
        store_multiple(c, m, base);
    return base;
}

static void post_index(struct a64 *c, unsigned Rn, unsigned Rm, ir_ref base, unsigned bytes)
{
    if (Rm == 31)
        a64_set_base(c, Rn, a64_addk(c, base, bytes), bytes);
    else
        a64_set_xsp(c, Rn, ir_add(c->ir, IR_I64, base, a64_x(c, Rm)));
}

void a64_ldst_mult(struct a64 *c, const struct a64_ldst_mult *f)
{
    struct multiple m = {.Q = f->Q, .size = f->size, .Rn = f->Rn, .Rt = f->Rt, .load = f->L};
    multiple(c, &m);
}

void a64_ldst_mult_post(struct a64 *c, const struct a64_ldst_mult_post *f)
{
    struct multiple m = {.Q = f->Q, .size = f->size, .Rn = f->Rn, .Rt = f->Rt, .load = f->L};
    ir_ref base = multiple(c, &m);
    if (base != IR_NONE)
        post_index(c, f->Rn, f->Rm, base, m.regs * (m.Q ? 16 : 8));
}

/* --- single elements
 * ----------------------------------------------------------------------------*/

struct lane {
    unsigned scale, index, selem;
    bool replicate;
};

/* Manual, "Decode for all variants of this encoding" of LD1 (single structure) and LD1R. */
static bool decode_lane(unsigned Q, unsigned L, unsigned R, unsigned opcode, unsigned S,
                        unsigned size, struct lane *lane)
{
    lane->scale = opcode >> 1;
    lane->selem = ((opcode & 1) << 1 | R) + 1;
    lane->replicate = false;
    switch (lane->scale) {
    case 0:
        lane->index = Q << 3 | S << 2 | size;
        return true;
    case 1:
        lane->index = Q << 2 | S << 1 | size >> 1;
        return !(size & 1);
    case 2:
        lane->index = size & 1 ? Q : Q << 1 | S;
        lane->scale = size & 1 ? 3 : 2;
        return !(size & 2) && !(size & 1 && S);
    default:
        lane->replicate = true;
        lane->scale = size;
        return L && !S;
    }
}

static void load_lanes(struct a64 *c, const struct lane *l, unsigned Q, unsigned Rt, ir_ref base)
{
    const uint16_t memop = a64_memop(c, l->scale, 0);
    ir_ref value[4];
    for (unsigned i = 0; i < l->selem; i++)
        value[i] = ir_ld(c->ir, IR_I64, a64_addk(c, base, (int64_t)i << l->scale), memop);
    for (unsigned i = 0; i < l->selem; i++) {
        const unsigned reg = (Rt + i) % 32;
        if (l->replicate)
            a64_set_vq(c, reg, Q, ir_vdup(c->ir, value[i], l->scale));
        else
            a64_set_v(c, reg, ir_vsetlane(c->ir, a64_v(c, reg), value[i], l->scale, l->index));
    }
}

static void store_lanes(struct a64 *c, const struct lane *l, unsigned Rt, ir_ref base)
{
    const uint16_t memop = a64_memop(c, l->scale, 0);
    if (l->selem > 1)
        ir_probe(c->ir, base, (unsigned)memop | IR_MEM_WRITE, l->selem << l->scale);
    for (unsigned i = 0; i < l->selem; i++) {
        ir_ref value = ir_vlaneu(c->ir, a64_v(c, (Rt + i) % 32), l->scale, l->index);
        ir_st(c->ir, IR_I64, a64_addk(c, base, (int64_t)i << l->scale), value, memop);
    }
}

void a64_ldst_lane(struct a64 *c, const struct a64_ldst_lane *f)
{
    struct lane lane;
    if (!a64_simd_ok(c, decode_lane(f->Q, f->L, f->R, f->opcode, f->S, f->size, &lane)))
        return;
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    if (f->L)
        load_lanes(c, &lane, f->Q, f->Rt, base);
    else
        store_lanes(c, &lane, f->Rt, base);
}

void a64_ldst_lane_p(struct a64 *c, const struct a64_ldst_lane_p *f)
{
    struct lane lane;
    if (!a64_simd_ok(c, decode_lane(f->Q, f->L, f->R, f->opcode, f->S, f->size, &lane)))
        return;
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    if (f->L)
        load_lanes(c, &lane, f->Q, f->Rt, base);
    else
        store_lanes(c, &lane, f->Rt, base);
    post_index(c, f->Rn, f->Rm, base, lane.selem << lane.scale);
}
