/* SPDX-License-Identifier: Apache-2.0 */
/* Identification registers (manual D19.2), computed from the model's features. */
#include "arm/sysreg_impl.h"

#include "arm/pstate.h"
#include "base/bits.h"

/* A field of an ID register: `value` at `shift` if the feature is there. */
struct field {
    uint16_t id; /* encoding's CRm and op2: CRm << 3 | op2 */
    uint8_t shift;
    uint8_t value;
    uint8_t feature; /* plus 1; 0: always */
};

#define ID(crm, op2) ((crm) << 3 | (op2))
#define WITH(name)   (ARM_FEAT_##name + 1)

enum {
    PFR0 = ID(4, 0),
    PFR1 = ID(4, 1),
    DFR0 = ID(5, 0),
    ISAR0 = ID(6, 0),
    ISAR1 = ID(6, 1),
    ISAR2 = ID(6, 2),
    MMFR0 = ID(7, 0),
    MMFR1 = ID(7, 1),
    MMFR2 = ID(7, 2),
};

/* Values of one field add up, where one feature builds on another. Fields not listed are 0: for
 * most that means absent; FP, AdvSIMD (0 without, 1 with half precision), DoubleLock, TGran4 and
 * TGran64 are the ones where 0 means present. */
static const struct field fields[] = {
    {PFR0, 0, 1, 0},           /* EL0: AArch64 only */
    {PFR0, 4, 1, 0},           /* EL1: AArch64 only */
    {PFR0, 16, 1, WITH(FP16)}, /* FP */
    {PFR0, 20, 1, WITH(FP16)}, /* AdvSIMD */
    {PFR0, 48, 1, WITH(DIT)},
    {PFR0, 56, 1, WITH(CSV2)},
    {PFR0, 56, 2, WITH(CSV2_3)}, /* with SCXTNUM_ELx */
    {PFR0, 60, 1, WITH(CSV3)},
    {PFR1, 0, 1, WITH(BTI)},
    {PFR1, 4, 2, WITH(SSBS)},  /* with MSR and MRS of SSBS */
    {DFR0, 0, 6, 0},           /* DebugVer: Armv8.0 */
    {DFR0, 8, 1, WITH(PMUV3)}, /* of Armv8.0 */
    {DFR0, 12, ARM_BREAKPOINTS - 1, 0},
    {DFR0, 20, ARM_WATCHPOINTS - 1, 0},
    {DFR0, 28, ARM_CONTEXT_BREAKPOINTS - 1, 0},
    {ISAR0, 4, 1, WITH(AES)},
    {ISAR0, 4, 1, WITH(PMULL)},
    {ISAR0, 8, 1, WITH(SHA1)},
    {ISAR0, 12, 1, WITH(SHA256)},
    {ISAR0, 12, 1, WITH(SHA512)},
    {ISAR0, 16, 1, WITH(CRC32)},
    {ISAR0, 20, 2, WITH(LSE)},
    {ISAR0, 28, 1, WITH(RDM)},
    {ISAR0, 32, 1, WITH(SHA3)},
    {ISAR0, 36, 1, WITH(SM3)},
    {ISAR0, 40, 1, WITH(SM4)},
    {ISAR0, 44, 1, WITH(DotProd)},
    {ISAR0, 48, 1, WITH(FHM)},
    {ISAR0, 52, 1, WITH(FLAGM)},
    {ISAR0, 52, 1, WITH(FLAGM2)},
    {ISAR0, 56, 1, WITH(TLBIOS)},
    {ISAR0, 56, 1, WITH(TLBIRANGE)},
    {ISAR0, 60, 1, WITH(RNG)},
    {ISAR1, 0, 1, WITH(DPB)},
    {ISAR1, 12, 1, WITH(JSCVT)},
    {ISAR1, 16, 1, WITH(FCMA)},
    {ISAR1, 32, 1, WITH(FRINTTS)},
    {ISAR1, 44, 1, WITH(BF16)},
    {ISAR1, 52, 1, WITH(I8MM)},
    {ISAR1, 0, 1, WITH(DPB2)},
    {ISAR1, 8, 3, WITH(PAUTH)}, /* API: FEAT_PAuth2, an algorithm of our own */
    {ISAR1, 8, 1, WITH(FPAC)},
    {ISAR1, 8, 1, WITH(FPACCOMBINE)},
    {ISAR1, 20, 1, WITH(LRCPC)},
    {ISAR1, 20, 1, WITH(LRCPC2)},
    {ISAR1, 28, 1, WITH(PAUTH)}, /* GPI */
    {ISAR1, 36, 1, WITH(SB)},
    {ISAR1, 40, 1, WITH(SPECRES)},
    {ISAR1, 48, 1, WITH(DGH)},
    {ISAR2, 0, 2, WITH(WFXT)},
    {ISAR2, 16, 1, WITH(MOPS)},
    {ISAR2, 20, 1, WITH(HBC)},
    {ISAR2, 52, 1, WITH(CSSC)},
    {MMFR0, 0, 5, 0},         /* PARange: 48 bits */
    {MMFR0, 0, 1, WITH(LPA)}, /* 52 bits */
    {MMFR0, 4, 2, 0},         /* ASIDBits: 16 */
    {MMFR0, 8, 1, 0},         /* BigEnd: mixed */
    {MMFR0, 20, 1, 0},        /* TGran16: supported */
    {MMFR0, 20, 1, WITH(LPA2)},
    {MMFR0, 28, 1, WITH(LPA2)},  /* TGran4: with 52 bits */
    {MMFR0, 60, 1, WITH(ECV)},   /* without the EL2 part */
    {MMFR1, 0, 2, WITH(HAFDBS)}, /* access flag and dirty state */
    {MMFR1, 12, 1, WITH(HPDS)},
    {MMFR1, 12, 1, WITH(HPDS2)},
    {MMFR1, 20, 1, WITH(PAN)},
    {MMFR1, 20, 1, WITH(PAN2)},
    {MMFR2, 0, 1, WITH(CNP)},
    {MMFR2, 4, 1, WITH(UAO)},
    {MMFR2, 16, 1, WITH(LVA)},
    {MMFR2, 20, 1, WITH(CCIDX)},
    {MMFR2, 28, 1, WITH(TTST)},
    {MMFR2, 32, 1, WITH(LSE2)}, /* AT */
    {MMFR2, 36, 1, WITH(IDST)},
    {MMFR2, 48, 1, WITH(TTL)},
    {MMFR2, 60, 1, WITH(E0PD)},
};

uint64_t arm_read_id(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    const struct arm_features *f = cpu->features;
    unsigned id = reg->encoding & 0x7f;
    uint64_t value = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i].id == id && (!fields[i].feature || arm_has(f, fields[i].feature - 1u)))
            value += (uint64_t)fields[i].value << fields[i].shift;
    if (id == PFR0 && f->gic == 3)
        value |= 1ull << 24;
    return value;
}

uint64_t arm_read_midr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->features->midr;
}

uint64_t arm_read_mpidr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->mpidr;
}

/* DC ZVA clears 64 bytes (2^4 words); DZP: it is prohibited at this EL. */
uint64_t arm_read_dczid(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return 4 | (cpu->el == 0 && !(cpu->sctlr_el1 & ARM_SCTLR_DZE) ? 1u << 4 : 0);
}

/* 64-byte lines. FEAT_CCIDX moves the number of sets up to make room for more ways. */
static uint64_t geometry(const struct arm_cpu *cpu, unsigned sets, unsigned ways)
{
    unsigned place = arm_has(cpu->features, ARM_FEAT_CCIDX) ? 32 : 13;

    return (uint64_t)(sets - 1) << place | (uint64_t)(ways - 1) << 3 | 2;
}

/* 32 KiB of first level each for data and instructions, 1 MiB of second: what CLIDR_EL1 says. */
uint64_t arm_read_ccsidr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    switch (cpu->csselr_el1) {
    case 0:
    case 1:
        return geometry(cpu, 128, 4);
    case 2:
        return geometry(cpu, 1024, 16);
    default:
        return 0;
    }
}

void arm_write_csselr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->csselr_el1 = value & 0xf;
}

bool arm_trap_uct(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->sctlr_el1 & ARM_SCTLR_UCT);
}
