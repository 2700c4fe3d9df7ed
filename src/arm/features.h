/* SPDX-License-Identifier: Apache-2.0 */
/* What a CPU model offers. The ID registers are computed from this, and the front ends and the
 * system-register table consult it, so that they cannot disagree. */
#ifndef ARMVM_ARM_FEATURES_H
#define ARMVM_ARM_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

struct error;

enum arm_feature {
    ARM_FEAT_AES, ARM_FEAT_PMULL, ARM_FEAT_SHA1, ARM_FEAT_SHA256, ARM_FEAT_CRC32,
    ARM_FEAT_LSE, ARM_FEAT_RDM, ARM_FEAT_LRCPC, ARM_FEAT_RNG, ARM_FEAT_PAN, ARM_FEAT_PAN2,
    ARM_FEAT_HAFDBS, ARM_FEAT_CSV2, ARM_FEAT_CSV3, ARM_FEAT_SSBS, ARM_FEAT_SB, ARM_FEAT_UAO,
    ARM_FEAT_DPB, ARM_FEAT_DIT, ARM_FEAT_FLAGM, ARM_FEAT_FLAGM2, ARM_FEAT_DGH,
    ARM_FEAT_CSV2_3, ARM_FEAT_E0PD, ARM_FEAT_FP16, ARM_FEAT_FHM, ARM_FEAT_DotProd, ARM_FEAT_I8MM,
    ARM_FEAT_BF16, ARM_FEAT_FCMA, ARM_FEAT_JSCVT, ARM_FEAT_FRINTTS, ARM_FEAT_SHA3,
    ARM_FEAT_SHA512, ARM_FEAT_SM3, ARM_FEAT_SM4,
    ARM_FEAT_CSSC, ARM_FEAT_HBC, ARM_FEAT_LRCPC2, ARM_FEAT_WFXT, ARM_FEAT_ECV, ARM_FEAT_SPECRES,
    ARM_FEAT_DPB2, ARM_FEAT_CCIDX, ARM_FEAT_PAUTH, ARM_FEAT_FPAC, ARM_FEAT_FPACCOMBINE,
    ARM_FEAT_BTI, ARM_FEAT_MOPS, ARM_FEAT_LSE2,
    ARM_FEAT_TLBIOS, ARM_FEAT_TLBIRANGE, ARM_FEAT_TTL, ARM_FEAT_TTST, ARM_FEAT_HPDS, ARM_FEAT_HPDS2,
    ARM_FEAT_LVA, ARM_FEAT_LPA, ARM_FEAT_LPA2, ARM_FEAT_CNP, ARM_FEAT_IDST, ARM_FEAT_PMUV3,
    ARM_FEATURES
};

struct arm_features {
    const char *model;   /* "max", "cortex-a72"... */
    uint64_t have;       /* bit per arm_feature */
    uint64_t midr;
    unsigned gic;        /* 2 or 3: whether ID_AA64PFR0.GIC is set */
    uint64_t cntfrq;     /* Hz */
};

static inline bool arm_has(const struct arm_features *f, enum arm_feature feature)
{
    return f->have >> feature & 1;
}

/* Fills features for "MODEL[,+feature][,-feature]" ("max" when NULL). -EINVAL with the choices. */
int arm_features_parse(struct arm_features *features, const char *spec, struct error *err);

/* Names, for `armvm cpus`; NULL past the end. */
const char *arm_model_name(unsigned index);
const char *arm_feature_name(enum arm_feature feature);

#endif
