/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stage 1 translation of the EL1&0 regime: VMSAv8-64 table walks (manual D8.2 to D8.5) with 4, 16
 * and 64 KiB granules, 48-bit addresses and those of 52 bits (FEAT_LVA, FEAT_LPA, FEAT_LPA2),
 * hardware access flag and dirty state. This is the TLB miss path: descriptors are read straight
 * from the host memory behind the guest's RAM.
 */
#include "arm/mmu.h"

#include <errno.h>

#include "arm/cpu.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "base/trace.h"
#include "machine/mem/mem.h"

enum { PA_MAX = 52 }; /* bits that any address has room for */
enum { GRAIN_64K = 16 };

/* Descriptor bits (manual D8.3.1, D8.3.2). */
#define DESC_VALID   (1ull << 0)
#define DESC_TABLE   (1ull << 1)
#define DESC_AP1     (1ull << 6) /* EL0 may access */
#define DESC_AP2     (1ull << 7) /* read-only */
#define DESC_AF      (1ull << 10)
#define DESC_NG      (1ull << 11)
#define DESC_GP      (1ull << 50)
#define DESC_DBM     (1ull << 51)
#define DESC_PXN     (1ull << 53)
#define DESC_UXN     (1ull << 54)
#define TABLE_PXN    (1ull << 59)
#define TABLE_UXN    (1ull << 60)
#define TABLE_AP_EL0 (1ull << 61) /* APTable<0>: no EL0 access below */
#define TABLE_AP_RO  (1ull << 62) /* APTable<1>: no writes below */

struct walk {
    struct arm_cpu *cpu;
    uint64_t va;
    bool fetch;          /* the address is an instruction's */
    uint64_t base;       /* of the table at the level to be read */
    unsigned grain;      /* log2 of the granule */
    unsigned input_bits; /* 64 - TxSZ */
    unsigned pa_bits;    /* effective TCR_EL1.IPS */
    bool ha, hd, big_endian;
    bool ds;       /* effective TCR_EL1.DS: descriptors of 52-bit addresses, 4 and 16 KiB */
    bool wide_64k; /* the same for 64 KiB (FEAT_LPA) */
    bool hpd;      /* table descriptors' permissions do not count */

    int level;       /* of the last descriptor read */
    uint64_t desc;   /* the block or page descriptor */
    uint64_t tables; /* the table descriptors' attribute bits, ored */
    uint64_t *where; /* desc in host memory */
    bool readonly;   /* desc lies in ROM */
    unsigned fsc;    /* why walk() failed, without the level */
};

struct rights {
    bool r, w, x;
};

static int fail(struct arm_fault *fault, unsigned fsc, int level, enum arm_access access)
{
    fault->fsc = level >= 0                     ? (uint8_t)(fsc + (unsigned)level)
                 : fsc == ARM_FSC_TRANSLATION   ? ARM_FSC_TRANSLATION_M1
                 : fsc == ARM_FSC_EXTERNAL_WALK ? ARM_FSC_EXTERNAL_WALK_M1
                                                : ARM_FSC_ADDRESS_SIZE_M1;
    fault->s1ptw = false;
    fault->write = access == ARM_WRITE;
    return -EFAULT;
}

/* The lowest address bit that takes part in a look-up at `level`. */
static unsigned low_bit(const struct walk *w, int level)
{
    return (unsigned)(3 - level) * (w->grain - 3) + w->grain;
}

/* TCR_EL1.TG0 and TG1 encode the granules differently; the reserved values act as 4 KiB. */
static unsigned granule(uint64_t tcr, bool upper)
{
    static const uint8_t lower_grain[4] = {12, 16, 14, 12};
    static const uint8_t upper_grain[4] = {12, 14, 12, 16};

    return upper ? upper_grain[bits(tcr, 31, 30)] : lower_grain[bits(tcr, 15, 14)];
}

bool arm_top_byte_ignored(const struct arm_cpu *cpu, bool upper, bool instruction)
{
    return bit(cpu->tcr_el1, upper ? ARM_TCR_TBI1 : ARM_TCR_TBI0) &&
           !(instruction && bit(cpu->tcr_el1, upper ? ARM_TCR_TBID1 : ARM_TCR_TBID0));
}

static bool top_byte_ignored(const struct arm_cpu *cpu, uint64_t va, bool instruction)
{
    return arm_top_byte_ignored(cpu, bit(va, 55), instruction);
}

uint64_t arm_branch_addr(const struct arm_cpu *cpu, uint64_t va)
{
    return top_byte_ignored(cpu, va, true) ? (uint64_t)sext64(va, 56) : va;
}

static unsigned size_field(const struct arm_cpu *cpu, bool upper)
{
    return (unsigned)(upper ? bits(cpu->tcr_el1, 21, 16) : bits(cpu->tcr_el1, 5, 0));
}

/* AArch64.S1MinTxSZ(), AArch64.MaxTxSZ(). */
static void size_range(const struct arm_cpu *cpu, bool upper, unsigned *least, unsigned *most)
{
    unsigned grain = granule(cpu->tcr_el1, upper);
    bool wide =
        grain == GRAIN_64K ? arm_has(cpu->features, ARM_FEAT_LVA) : bit(cpu->tcr_el1, ARM_TCR_DS);

    *least = wide ? 12 : 16;
    *most = !arm_has(cpu->features, ARM_FEAT_TTST) ? 39 : grain == GRAIN_64K ? 47 : 48;
}

/* For addresses with codes, what is out of range counts as the nearest that is in it
 * (CalculateBottomPACBit()). */
unsigned arm_va_bits(const struct arm_cpu *cpu, bool upper)
{
    unsigned txsz = size_field(cpu, upper), least, most;

    size_range(cpu, upper, &least, &most);
    return 64 - (txsz < least ? least : txsz > most ? most : txsz);
}

uint16_t arm_asid(const struct arm_cpu *cpu)
{
    uint64_t ttbr = bit(cpu->tcr_el1, ARM_TCR_A1) ? cpu->ttbr1_el1 : cpu->ttbr0_el1;
    uint16_t asid = (uint16_t)(ttbr >> 48);

    return bit(cpu->tcr_el1, ARM_TCR_AS) ? asid : asid & 0xff;
}

/* Bits of addresses without those that only some granules can express. */
static unsigned output_bits(const struct arm_cpu *cpu, const struct walk *w)
{
    static const uint8_t ips[8] = {32, 36, 40, 42, 44, 48, 52, 52};
    unsigned asked = ips[bits(cpu->tcr_el1, ARM_TCR_IPS + 2, ARM_TCR_IPS)];
    unsigned limit = w->ds || w->wide_64k ? 52 : 48;

    return asked < limit ? asked : limit;
}

/* AArch64.S1TxSZFaults(): out of range, a fault comes by FEAT_LVA below the minimum and may come
 * anywhere else. */
static bool size_valid(const struct arm_cpu *cpu, bool upper)
{
    unsigned txsz = size_field(cpu, upper), least, most;

    size_range(cpu, upper, &least, &most);
    return txsz >= least && txsz <= most;
}

/* AArch64.S1TTBaseAddress(), but for its alignment. */
static uint64_t table_base(const struct arm_cpu *cpu, const struct walk *w, uint64_t ttbr)
{
    bool wide = w->wide_64k && bits(cpu->tcr_el1, ARM_TCR_IPS + 2, ARM_TCR_IPS) >= 6;

    if (w->ds || wide)
        return bits(ttbr, 5, 2) << 48 | bits(ttbr, 47, 6) << 6;
    return bits(ttbr, 47, 1) << 1;
}

/* Chooses table base and geometry. False: the address is in neither half, or walks are disabled,
 * for EL0 perhaps (FEAT_E0PD). */
static bool walk_begin(struct walk *w, uint64_t va, unsigned el)
{
    const struct arm_cpu *cpu = w->cpu;
    uint64_t tcr = cpu->tcr_el1;
    unsigned top = top_byte_ignored(cpu, va, w->fetch) ? 55 : 63;
    bool upper = bit(va, top);
    uint64_t ttbr = upper ? cpu->ttbr1_el1 : cpu->ttbr0_el1;

    w->va = va;
    w->input_bits = 64 - size_field(cpu, upper);
    w->grain = granule(tcr, upper);
    w->ds = bit(tcr, ARM_TCR_DS) && w->grain != GRAIN_64K;
    w->wide_64k = w->grain == GRAIN_64K && arm_has(cpu->features, ARM_FEAT_LPA);
    w->hpd = bit(tcr, upper ? ARM_TCR_HPD1 : ARM_TCR_HPD0);
    w->pa_bits = output_bits(cpu, w);
    w->ha = bit(tcr, ARM_TCR_HA);
    w->hd = w->ha && bit(tcr, ARM_TCR_HD);
    w->big_endian = cpu->sctlr_el1 & ARM_SCTLR_EE;
    w->tables = 0;
    w->base = table_base(cpu, w, ttbr);
    if (!size_valid(cpu, upper))
        return false;
    if (bits(va, top, w->input_bits) != (upper ? ones(top - w->input_bits + 1) : 0))
        return false;
    if (el == 0 && bit(tcr, upper ? ARM_TCR_E0PD1 : ARM_TCR_E0PD0))
        return false;
    return !bit(tcr, upper ? ARM_TCR_EPD1 : ARM_TCR_EPD0);
}

/* Host address of a descriptor, or NULL if it is not in memory. */
static uint64_t *descriptor(struct walk *w, uint64_t pa)
{
    const struct mem_slot *slot = w->cpu->walk_slot;

    if (!slot || pa - slot->base >= slot->size) {
        slot = mem_find(w->cpu->mem, pa);
        if (!slot || !slot->host)
            return NULL;
        w->cpu->walk_slot = slot;
    }
    w->readonly = slot->readonly;
    return (uint64_t *)(void *)(slot->host + (pa - slot->base));
}

/* A descriptor as a number; hosts are little-endian. */
static uint64_t decode(const struct walk *w, uint64_t raw)
{
    return w->big_endian ? __builtin_bswap64(raw) : raw;
}

static bool is_block(const struct walk *w)
{
    if (w->desc & DESC_TABLE)
        return w->level == 3;
    switch (w->level) {
    case 2:
        return true;
    case 1:
        return w->grain == 12 || w->ds || w->wide_64k;
    case 0:
        return w->grain == 12 && w->ds;
    default:
        return false;
    }
}

/* The address in a descriptor, from bit `low` on: AArch64.NextTableBase(), AArch64.LeafBase(). */
static uint64_t output(const struct walk *w, unsigned low)
{
    uint64_t base = w->desc & ones(48) & ~ones(low);

    if (w->ds)
        return base | bits(w->desc, 9, 8) << 50 | bits(w->desc, 49, 48) << 48;
    if (w->wide_64k)
        return base | bits(w->desc, 15, 12) << 48;
    return base;
}

static bool stop(struct walk *w, unsigned fsc)
{
    w->fsc = fsc;
    return false;
}

/* Reads descriptors down to the block or page: AArch64.S1Walk(). False: w->fsc and w->level say
 * why not. */
static bool walk(struct walk *w)
{
    unsigned stride = w->grain - 3;
    unsigned top = w->input_bits - 1;
    uint64_t excess = ~ones(w->pa_bits) & ones(PA_MAX);
    unsigned low;

    w->level = 0;
    if (w->base & excess)
        return stop(w, ARM_FSC_ADDRESS_SIZE);
    w->level = 4 - (int)((w->input_bits - w->grain + stride - 1) / stride);
    low = low_bit(w, w->level);
    w->base &= ~ones(3 + w->input_bits - low);
    for (;;) {
        w->where = descriptor(w, w->base | bits(w->va, top, low) << 3);
        if (!w->where)
            return stop(w, ARM_FSC_EXTERNAL_WALK);
        w->desc = decode(w, __atomic_load_n(w->where, __ATOMIC_ACQUIRE));
        if (!(w->desc & DESC_VALID))
            return stop(w, ARM_FSC_TRANSLATION);
        if (is_block(w))
            return !(output(w, low) & excess) || stop(w, ARM_FSC_ADDRESS_SIZE);
        if (!(w->desc & DESC_TABLE))
            return stop(w, ARM_FSC_TRANSLATION);
        w->base = output(w, w->grain);
        if (w->base & excess)
            return stop(w, ARM_FSC_ADDRESS_SIZE);
        w->tables |= w->hpd ? 0 : w->desc;
        w->level++;
        top = low - 1;
        low -= stride;
    }
}

/* Read-only for now, but a write may make it dirty: DBM with AP<2> set (manual D8.4.6). */
static bool writable_clean(const struct walk *w)
{
    return w->hd && (w->desc & DESC_DBM) && (w->desc & DESC_AP2) && !(w->tables & TABLE_AP_RO);
}

/* AArch64.S1DirectBasePermissions(), hierarchical permissions applied. */
static struct rights permissions(const struct walk *w, unsigned el, bool pan)
{
    bool wxn = w->cpu->sctlr_el1 & ARM_SCTLR_WXN;
    bool user = (w->desc & DESC_AP1) && !(w->tables & TABLE_AP_EL0);
    bool write = !((w->desc & DESC_AP2) || (w->tables & TABLE_AP_RO)) || writable_clean(w);
    bool uxn = (w->desc & DESC_UXN) || (w->tables & TABLE_UXN);
    bool pxn = (w->desc & DESC_PXN) || (w->tables & TABLE_PXN);
    struct rights rights;

    if (el == 0) {
        rights.r = user;
        rights.w = user && write;
        rights.x = !uxn && !(rights.w && wxn);
    } else {
        rights.x = !pxn && !(write && (wxn || user));
        rights.r = !(pan && user);
        rights.w = write && rights.r;
    }
    return rights;
}

static bool allowed(const struct rights *rights, enum arm_access access)
{
    switch (access) {
    case ARM_READ:
        return rights->r;
    case ARM_WRITE:
        return rights->w;
    case ARM_ATOMIC:
        return rights->r && rights->w;
    case ARM_FETCH:
        return rights->x;
    }
    return false;
}

/* Sets AF, and marks the page dirty for a write, in the descriptor in memory. 1: it has changed
 * meanwhile, walk again. */
static int update(struct walk *w, bool write)
{
    uint64_t old = w->desc, new = old | DESC_AF, raw;

    if (write && writable_clean(w))
        new &= ~DESC_AP2;
    if (new == old)
        return 0;
    if (w->readonly)
        return -ARM_FSC_ATOMIC_UPDATE;
    raw = decode(w, old);
    if (!__atomic_compare_exchange_n(w->where, &raw, decode(w, new), false, __ATOMIC_ACQ_REL,
                                     __ATOMIC_ACQUIRE))
        return 1;
    w->desc = new;
    return 0;
}

static void set_attributes(struct arm_translation *out, uint8_t mair, uint8_t sh)
{
    bool device = !(mair & 0xf0);
    bool nc = mair == 0x44;

    out->mair = mair;
    out->attr = device ? ARM_MEM_DEVICE : nc ? ARM_MEM_NC : ARM_MEM_NORMAL;
    out->sh = device || nc ? 2 : sh;
}

/* With 52-bit descriptors their place is taken by address bits, and TCR_EL1.SH0 or SH1 says it. */
static uint8_t shareability(const struct walk *w)
{
    uint64_t tcr = w->cpu->tcr_el1;

    if (w->ds)
        return (uint8_t)(bit(w->va, 55) ? bits(tcr, 29, 28) : bits(tcr, 13, 12));
    return (uint8_t)bits(w->desc, 9, 8);
}

/* The MMU is off: AArch64.S1DisabledOutput(). Data is Device-nGnRnE. */
static int flat(struct arm_cpu *cpu, uint64_t va, enum arm_access access,
                struct arm_translation *out, struct arm_fault *fault)
{
    unsigned top = top_byte_ignored(cpu, va, access == ARM_FETCH) ? 55 : 63;
    unsigned pa_bits = arm_has(cpu->features, ARM_FEAT_LPA) ? 52 : 48;

    if (bits(va, top, pa_bits))
        return fail(fault, ARM_FSC_ADDRESS_SIZE, 0, access);
    out->pa = va & ones(pa_bits);
    out->size = 1ull << pa_bits;
    set_attributes(out, access != ARM_FETCH ? 0 : cpu->sctlr_el1 & ARM_SCTLR_I ? 0xaa : 0x44, 2);
    out->readable = out->writable = out->executable = out->dirty = out->global = true;
    out->guarded = false;
    return 0;
}

static int translate(struct arm_cpu *cpu, uint64_t va, unsigned el, bool pan,
                     enum arm_access access, struct arm_translation *out, struct arm_fault *fault,
                     bool probe)
{
    bool write = access == ARM_WRITE || access == ARM_ATOMIC;
    struct walk w = {.cpu = cpu, .fetch = access == ARM_FETCH};
    struct rights rights;
    unsigned index;
    int rc;

    if (!(cpu->sctlr_el1 & ARM_SCTLR_M))
        return flat(cpu, va, access, out, fault);
    do {
        if (!walk_begin(&w, va, el))
            return fail(fault, ARM_FSC_TRANSLATION, 0, access);
        if (!walk(&w))
            return fail(fault, w.fsc, w.level, access);
        if (!(w.desc & DESC_AF) && !w.ha)
            return fail(fault, ARM_FSC_ACCESS_FLAG, w.level, access);
        rights = permissions(&w, el, pan);
        if (!allowed(&rights, access)) {
            fail(fault, ARM_FSC_PERMISSION, w.level, access);
            fault->write = write && (access == ARM_WRITE || rights.r);
            return -EFAULT;
        }
        rc = probe ? 0 : update(&w, write);
        if (rc < 0)
            return fail(fault, (unsigned)-rc, 0, access);
    } while (rc);

    index = low_bit(&w, w.level);
    out->size = 1ull << index;
    out->pa = output(&w, index) | (va & ones(index));
    set_attributes(out, (uint8_t)(cpu->mair_el1 >> 8 * bits(w.desc, 4, 2)), shareability(&w));
    out->readable = rights.r;
    out->writable = rights.w;
    out->executable = rights.x;
    out->dirty = rights.w && !writable_clean(&w);
    out->global = !(w.desc & DESC_NG);
    out->guarded = w.desc & DESC_GP && arm_has(cpu->features, ARM_FEAT_BTI);
    return 0;
}

static int traced(struct arm_cpu *cpu, uint64_t va, unsigned el, enum arm_access access,
                  const struct arm_translation *out, const struct arm_fault *fault, int rc)
{
    static const char *const kinds[] = {"read", "write", "fetch", "atomic"};

    if (rc)
        trace_print(cpu->trace, TRACE_MMU, "cpu%u EL%u %s 0x%llx fault 0x%02x", cpu->index, el,
                    kinds[access], (unsigned long long)va, fault->fsc);
    else
        trace_print(cpu->trace, TRACE_MMU, "cpu%u EL%u %s 0x%llx -> 0x%llx size 0x%llx", cpu->index,
                    el, kinds[access], (unsigned long long)va, (unsigned long long)out->pa,
                    (unsigned long long)out->size);
    return rc;
}

int arm_translate(struct arm_cpu *cpu, uint64_t va, unsigned el, bool pan, enum arm_access access,
                  struct arm_translation *out, struct arm_fault *fault)
{
    int rc = translate(cpu, va, el, pan, access, out, fault, false);

    if (__builtin_expect(trace_on(cpu->trace, TRACE_MMU), false))
        return traced(cpu, va, el, access, out, fault, rc);
    return rc;
}

int arm_translate_probe(struct arm_cpu *cpu, uint64_t va, unsigned el, bool pan,
                        enum arm_access access, struct arm_translation *out,
                        struct arm_fault *fault)
{
    return translate(cpu, va, el, pan, access, out, fault, true);
}
