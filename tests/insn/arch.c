/* SPDX-License-Identifier: Apache-2.0 */
#include "arch.h"

#include <stdlib.h>
#include <string.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/sysreg.h"
#include "base/bits.h"

/* ---- features ---------------------------------------------------------------------------------*/

enum { PFR0 = 4 << 3, PFR1, ISAR0 = 6 << 3, ISAR1, ISAR2, MMFR1 = 7 << 3 | 1, MMFR2, MMFR3 };

/* Arm ARM D19.2: the ID register fields that announce what changes A64's decoding. More than one
 * line: any of them. */
static const struct announcement {
    enum arch_feature feature;
    uint8_t id; /* the encoding's CRm << 3 | op2 */
    uint8_t shift;
    uint8_t least; /* 0xff: 1 and no other value */
    const char *field;
} announcements[] = {
    {ARCH_FEAT_FP16, PFR0, 16, 0xff, "ID_AA64PFR0_EL1.FP"},
    {ARCH_FEAT_DIT, PFR0, 48, 1, "ID_AA64PFR0_EL1.DIT"},
    {ARCH_FEAT_SSBS2, PFR1, 4, 2, "ID_AA64PFR1_EL1.SSBS"},
    {ARCH_FEAT_MTE, PFR1, 8, 1, "ID_AA64PFR1_EL1.MTE"},
    {ARCH_FEAT_MTE2, PFR1, 8, 2, "ID_AA64PFR1_EL1.MTE"},
    {ARCH_FEAT_SME, PFR1, 24, 1, "ID_AA64PFR1_EL1.SME"},
    {ARCH_FEAT_NMI, PFR1, 36, 1, "ID_AA64PFR1_EL1.NMI"},
    {ARCH_FEAT_GCS, PFR1, 44, 1, "ID_AA64PFR1_EL1.GCS"},
    {ARCH_FEAT_THE, PFR1, 48, 1, "ID_AA64PFR1_EL1.THE"},
    {ARCH_FEAT_EBEP, 5 << 3 | 1, 48, 1, "ID_AA64DFR1_EL1.EBEP"},
    {ARCH_FEAT_AES, ISAR0, 4, 1, "ID_AA64ISAR0_EL1.AES"},
    {ARCH_FEAT_PMULL, ISAR0, 4, 2, "ID_AA64ISAR0_EL1.AES"},
    {ARCH_FEAT_SHA1, ISAR0, 8, 1, "ID_AA64ISAR0_EL1.SHA1"},
    {ARCH_FEAT_SHA256, ISAR0, 12, 1, "ID_AA64ISAR0_EL1.SHA2"},
    {ARCH_FEAT_SHA512, ISAR0, 12, 2, "ID_AA64ISAR0_EL1.SHA2"},
    {ARCH_FEAT_CRC32, ISAR0, 16, 1, "ID_AA64ISAR0_EL1.CRC32"},
    {ARCH_FEAT_LSE, ISAR0, 20, 2, "ID_AA64ISAR0_EL1.Atomic"},
    {ARCH_FEAT_LSE128, ISAR0, 20, 3, "ID_AA64ISAR0_EL1.Atomic"},
    {ARCH_FEAT_TME, ISAR0, 24, 1, "ID_AA64ISAR0_EL1.TME"},
    {ARCH_FEAT_RDM, ISAR0, 28, 1, "ID_AA64ISAR0_EL1.RDM"},
    {ARCH_FEAT_SHA3, ISAR0, 32, 1, "ID_AA64ISAR0_EL1.SHA3"},
    {ARCH_FEAT_SM3, ISAR0, 36, 1, "ID_AA64ISAR0_EL1.SM3"},
    {ARCH_FEAT_SM4, ISAR0, 40, 1, "ID_AA64ISAR0_EL1.SM4"},
    {ARCH_FEAT_DotProd, ISAR0, 44, 1, "ID_AA64ISAR0_EL1.DP"},
    {ARCH_FEAT_FHM, ISAR0, 48, 1, "ID_AA64ISAR0_EL1.FHM"},
    {ARCH_FEAT_FlagM, ISAR0, 52, 1, "ID_AA64ISAR0_EL1.TS"},
    {ARCH_FEAT_FlagM2, ISAR0, 52, 2, "ID_AA64ISAR0_EL1.TS"},
    {ARCH_FEAT_PAuth, ISAR1, 4, 1, "ID_AA64ISAR1_EL1.APA"},
    {ARCH_FEAT_PAuth, ISAR1, 8, 1, "ID_AA64ISAR1_EL1.API"},
    {ARCH_FEAT_PAuth, ISAR2, 12, 1, "ID_AA64ISAR2_EL1.APA3"},
    {ARCH_FEAT_JSCVT, ISAR1, 12, 1, "ID_AA64ISAR1_EL1.JSCVT"},
    {ARCH_FEAT_FCMA, ISAR1, 16, 1, "ID_AA64ISAR1_EL1.FCMA"},
    {ARCH_FEAT_LRCPC, ISAR1, 20, 1, "ID_AA64ISAR1_EL1.LRCPC"},
    {ARCH_FEAT_LRCPC2, ISAR1, 20, 2, "ID_AA64ISAR1_EL1.LRCPC"},
    {ARCH_FEAT_LRCPC3, ISAR1, 20, 3, "ID_AA64ISAR1_EL1.LRCPC"},
    {ARCH_FEAT_FRINTTS, ISAR1, 32, 1, "ID_AA64ISAR1_EL1.FRINTTS"},
    {ARCH_FEAT_SB, ISAR1, 36, 1, "ID_AA64ISAR1_EL1.SB"},
    {ARCH_FEAT_BF16, ISAR1, 44, 1, "ID_AA64ISAR1_EL1.BF16"},
    {ARCH_FEAT_I8MM, ISAR1, 52, 1, "ID_AA64ISAR1_EL1.I8MM"},
    {ARCH_FEAT_XS, ISAR1, 56, 1, "ID_AA64ISAR1_EL1.XS"},
    {ARCH_FEAT_LS64, ISAR1, 60, 1, "ID_AA64ISAR1_EL1.LS64"},
    {ARCH_FEAT_LS64_V, ISAR1, 60, 2, "ID_AA64ISAR1_EL1.LS64"},
    {ARCH_FEAT_LS64_ACCDATA, ISAR1, 60, 3, "ID_AA64ISAR1_EL1.LS64"},
    {ARCH_FEAT_WFxT, ISAR2, 0, 2, "ID_AA64ISAR2_EL1.WFxT"},
    {ARCH_FEAT_MOPS, ISAR2, 16, 1, "ID_AA64ISAR2_EL1.MOPS"},
    {ARCH_FEAT_HBC, ISAR2, 20, 1, "ID_AA64ISAR2_EL1.BC"},
    {ARCH_FEAT_SYSREG128, ISAR2, 32, 1, "ID_AA64ISAR2_EL1.SYSREG_128"},
    {ARCH_FEAT_SYSINSTR128, ISAR2, 36, 1, "ID_AA64ISAR2_EL1.SYSINSTR_128"},
    {ARCH_FEAT_CSSC, ISAR2, 52, 1, "ID_AA64ISAR2_EL1.CSSC"},
    {ARCH_FEAT_LOR, MMFR1, 16, 1, "ID_AA64MMFR1_EL1.LO"},
    {ARCH_FEAT_PAN, MMFR1, 20, 1, "ID_AA64MMFR1_EL1.PAN"},
    {ARCH_FEAT_UAO, MMFR2, 4, 1, "ID_AA64MMFR2_EL1.UAO"},
    {ARCH_FEAT_D128, MMFR3, 32, 1, "ID_AA64MMFR3_EL1.D128"},
};

static uint64_t read_id(struct arm_cpu *cpu, unsigned id)
{
    const struct arm_sysreg *reg = arm_sysreg_find(ARM_SYSREG(3, 0, 0, id >> 3, id & 7));
    if (!reg)
        return 0;
    return reg->read ? reg->read(cpu, reg) : reg->reset;
}

uint64_t arch_announced(const struct arm_features *features)
{
    struct arm_cpu *cpu = calloc(1, sizeof(*cpu));
    uint64_t have = 0;
    if (!cpu)
        abort();
    cpu->features = features;
    cpu->el = 1;
    for (unsigned i = 0; i < ARRAY_SIZE(announcements); i++) {
        const struct announcement *a = &announcements[i];
        unsigned value = (unsigned)(read_id(cpu, a->id) >> a->shift & 15);
        if (a->least == 0xff ? value == 1 : value >= a->least)
            have |= 1ull << a->feature;
    }
    free(cpu);
    return have;
}

const char *arch_feature_field(enum arch_feature feature)
{
    for (unsigned i = 0; i < ARRAY_SIZE(announcements); i++)
        if (announcements[i].feature == feature)
            return announcements[i].field;
    return NULL;
}

/* ---- decoding ---------------------------------------------------------------------------------*/

/* Rows by bits 28:21, which most rows fix. */
enum { BUCKETS = 256, BUCKET_BITS = 0x1fe00000 };

struct arch_decoder {
    uint16_t first[2][BUCKETS + 1]; /* [1]: patterns without the bits that only should be so */
    uint16_t *row[2];
};

static uint32_t mask_of(const struct arch_row *row, unsigned relaxed)
{
    return relaxed ? row->mask & ~row->should : row->mask;
}

static void fill(struct arch_decoder *d, unsigned relaxed, bool count)
{
    unsigned at = 0;
    for (unsigned bucket = 0; bucket < BUCKETS; bucket++) {
        d->first[relaxed][bucket] = (uint16_t)at;
        for (unsigned i = 0; i < ARCH_ROWS; i++) {
            uint32_t mask = mask_of(&arch_rows[i], relaxed) & BUCKET_BITS;
            if (((bucket << 21) & mask) != (arch_rows[i].value & mask))
                continue;
            if (!count)
                d->row[relaxed][at] = (uint16_t)i;
            at++;
        }
    }
    d->first[relaxed][BUCKETS] = (uint16_t)at;
}

struct arch_decoder *arch_decoder_create(void)
{
    struct arch_decoder *d = calloc(1, sizeof(*d));
    for (unsigned relaxed = 0; d && relaxed < 2; relaxed++) {
        fill(d, relaxed, true);
        d->row[relaxed] = calloc(d->first[relaxed][BUCKETS], sizeof(uint16_t));
        if (!d->row[relaxed])
            abort();
        fill(d, relaxed, false);
    }
    return d;
}

void arch_decoder_destroy(struct arch_decoder *decoder)
{
    free(decoder->row[0]);
    free(decoder->row[1]);
    free(decoder);
}

enum arch_verdict arch_decode(const struct arch_decoder *d, uint32_t word, uint64_t have,
                              const struct arch_row **row)
{
    unsigned bucket = word >> 21 & (BUCKETS - 1);
    for (unsigned relaxed = 0; relaxed < 2; relaxed++) {
        for (unsigned i = d->first[relaxed][bucket]; i < d->first[relaxed][bucket + 1]; i++) {
            const struct arch_row *r = &arch_rows[d->row[relaxed][i]];
            uint32_t mask = mask_of(r, relaxed);
            if ((word & mask) != (r->value & mask))
                continue;
            enum arch_verdict verdict = r->verdict(word, have);
            *row = r;
            if (verdict == ARCH_NEXT)
                continue;
            /* Without the feature the encoding is unallocated, whatever else it says. */
            return relaxed && verdict == ARCH_DEFINED ? ARCH_EITHER : verdict;
        }
    }
    *row = NULL;
    return ARCH_UNDEFINED;
}
