/* SPDX-License-Identifier: Apache-2.0 */
/* CPU models: a MIDR and the features that are both the core's and implemented here. */
#include "arm/features.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"

/* clang-format off */
static const char *const feature_names[ARM_FEATURES] = {
    [ARM_FEAT_AES] = "aes",       [ARM_FEAT_PMULL] = "pmull",     [ARM_FEAT_SHA1] = "sha1",
    [ARM_FEAT_SHA256] = "sha256", [ARM_FEAT_CRC32] = "crc32",     [ARM_FEAT_LSE] = "lse",
    [ARM_FEAT_RDM] = "rdm",       [ARM_FEAT_LRCPC] = "lrcpc",     [ARM_FEAT_RNG] = "rng",
    [ARM_FEAT_PAN] = "pan",       [ARM_FEAT_PAN2] = "pan2",       [ARM_FEAT_HAFDBS] = "hafdbs",
    [ARM_FEAT_CSV2] = "csv2",     [ARM_FEAT_CSV3] = "csv3",       [ARM_FEAT_SSBS] = "ssbs",
    [ARM_FEAT_SB] = "sb",         [ARM_FEAT_UAO] = "uao",         [ARM_FEAT_DPB] = "dpb",
    [ARM_FEAT_DIT] = "dit",       [ARM_FEAT_FLAGM] = "flagm",     [ARM_FEAT_FLAGM2] = "flagm2",
    [ARM_FEAT_DGH] = "dgh",       [ARM_FEAT_CSV2_3] = "csv2_3",   [ARM_FEAT_E0PD] = "e0pd",
    [ARM_FEAT_FP16] = "fp16",     [ARM_FEAT_FHM] = "fhm",         [ARM_FEAT_DotProd] = "dotprod",
    [ARM_FEAT_I8MM] = "i8mm",     [ARM_FEAT_BF16] = "bf16",       [ARM_FEAT_FCMA] = "fcma",
    [ARM_FEAT_JSCVT] = "jscvt",   [ARM_FEAT_FRINTTS] = "frintts", [ARM_FEAT_SHA3] = "sha3",
    [ARM_FEAT_SHA512] = "sha512", [ARM_FEAT_SM3] = "sm3",         [ARM_FEAT_SM4] = "sm4",
    [ARM_FEAT_CSSC] = "cssc", [ARM_FEAT_HBC] = "hbc", [ARM_FEAT_SPECRES] = "specres",
    [ARM_FEAT_LRCPC2] = "lrcpc2", [ARM_FEAT_WFXT] = "wfxt", [ARM_FEAT_ECV] = "ecv",
    [ARM_FEAT_DPB2] = "dpb2", [ARM_FEAT_CCIDX] = "ccidx", [ARM_FEAT_PAUTH] = "pauth",
    [ARM_FEAT_FPAC] = "fpac", [ARM_FEAT_BTI] = "bti", [ARM_FEAT_MOPS] = "mops",
    [ARM_FEAT_LSE2] = "lse2", [ARM_FEAT_FPACCOMBINE] = "fpaccombine",
    [ARM_FEAT_TLBIOS] = "tlbios", [ARM_FEAT_TLBIRANGE] = "tlbirange", [ARM_FEAT_TTL] = "ttl",
    [ARM_FEAT_TTST] = "ttst", [ARM_FEAT_HPDS] = "hpds", [ARM_FEAT_HPDS2] = "hpds2",
    [ARM_FEAT_LVA] = "lva", [ARM_FEAT_LPA] = "lpa", [ARM_FEAT_LPA2] = "lpa2",
    [ARM_FEAT_CNP] = "cnp", [ARM_FEAT_IDST] = "idst", [ARM_FEAT_PMUV3] = "pmuv3",
};
/* clang-format on */

#define BIT(feature) (1ull << ARM_FEAT_##feature)

/* Translated code does not speculate past a fault, so every model can promise CSV2 and CSV3; a
 * guest then spares itself the page-table switch at each system call. */
enum {
    V8_0 = BIT(AES) | BIT(PMULL) | BIT(SHA1) | BIT(SHA256) | BIT(CRC32) | BIT(CSV2) | BIT(CSV3) |
           BIT(PMUV3),
    V8_2 = V8_0 | BIT(LSE) | BIT(RDM) | BIT(PAN) | BIT(PAN2) | BIT(HAFDBS) | BIT(UAO) | BIT(DPB) |
           BIT(HPDS) | BIT(HPDS2) | BIT(CNP),
};

static const struct model {
    const char *name;
    uint64_t midr;
    uint64_t have;
} models[] = {
    /* Implementer 0x00 is reserved for software; no kernel applies an erratum to it. */
    {"max", 0x000f0a10, (1ull << ARM_FEATURES) - 1},
    {"cortex-a53", 0x410fd034, V8_0}, /* r0p4 */
    {"cortex-a72", 0x410fd083, V8_0}, /* r0p3 */
    {"neoverse-n1", 0x413fd0c1,       /* r3p1 */
     V8_2 | BIT(LRCPC) | BIT(SSBS) | BIT(FP16) | BIT(DotProd)},
};

/* clang-format off */
/* What a feature cannot be without (its ID field's values build upon each other, or the manual
 * says so). */
static const struct {
    uint8_t feature, needs;
} requirements[] = {
    {ARM_FEAT_PMULL, ARM_FEAT_AES},   {ARM_FEAT_SHA256, ARM_FEAT_SHA1},
    {ARM_FEAT_PAN2, ARM_FEAT_PAN},    {ARM_FEAT_FLAGM2, ARM_FEAT_FLAGM},
    {ARM_FEAT_CSV2_3, ARM_FEAT_CSV2}, {ARM_FEAT_E0PD, ARM_FEAT_CSV3},
    {ARM_FEAT_FHM, ARM_FEAT_FP16},    {ARM_FEAT_SHA512, ARM_FEAT_SHA256},
    {ARM_FEAT_SHA512, ARM_FEAT_SHA3}, {ARM_FEAT_SHA3, ARM_FEAT_SHA512},
    {ARM_FEAT_SM3, ARM_FEAT_SM4},     {ARM_FEAT_SM4, ARM_FEAT_SM3},
    {ARM_FEAT_LRCPC2, ARM_FEAT_LRCPC}, {ARM_FEAT_DPB2, ARM_FEAT_DPB},
    {ARM_FEAT_FPAC, ARM_FEAT_PAUTH}, {ARM_FEAT_FPACCOMBINE, ARM_FEAT_FPAC},
    {ARM_FEAT_TLBIRANGE, ARM_FEAT_TLBIOS}, {ARM_FEAT_HPDS2, ARM_FEAT_HPDS},
    {ARM_FEAT_LPA2, ARM_FEAT_LPA}, {ARM_FEAT_LPA2, ARM_FEAT_LVA},
};
/* clang-format on */

const char *arm_model_name(unsigned index)
{
    return index < ARRAY_SIZE(models) ? models[index].name : NULL;
}

const char *arm_feature_name(enum arm_feature feature)
{
    return (unsigned)feature < ARM_FEATURES ? feature_names[feature] : NULL;
}

static bool same(const char *name, const char *text, size_t len)
{
    return strlen(name) == len && !memcmp(name, text, len);
}

/* Writes the names with ", " between them. */
static void list(char *buf, size_t size, const char *(*name)(unsigned))
{
    size_t used = 0;

    buf[0] = 0;
    for (unsigned i = 0; name(i); i++) {
        size_t len = strlen(name(i));
        if (used + len + 3 > size)
            return;
        if (used) {
            memcpy(buf + used, ", ", 2);
            used += 2;
        }
        memcpy(buf + used, name(i), len + 1);
        used += len;
    }
}

static const char *feature_name(unsigned index)
{
    return arm_feature_name(index);
}

static void add(struct arm_features *features, unsigned feature)
{
    if (arm_has(features, feature)) /* two may need each other */
        return;
    features->have |= 1ull << feature;
    for (unsigned i = 0; i < ARRAY_SIZE(requirements); i++)
        if (requirements[i].feature == feature)
            add(features, requirements[i].needs);
}

static void drop(struct arm_features *features, unsigned feature)
{
    if (!arm_has(features, feature))
        return;
    features->have &= ~(1ull << feature);
    for (unsigned i = 0; i < ARRAY_SIZE(requirements); i++)
        if (requirements[i].needs == feature)
            drop(features, requirements[i].feature);
}

static int parse_feature(struct arm_features *features, const char *text, size_t len,
                         struct error *err)
{
    char names[1024];

    if (len && (text[0] == '+' || text[0] == '-'))
        for (unsigned i = 0; i < ARM_FEATURES; i++) {
            if (!same(feature_names[i], text + 1, len - 1))
                continue;
            if (text[0] == '+')
                add(features, i);
            else
                drop(features, i);
            return 0;
        }
    list(names, sizeof(names), feature_name);
    return error_set(err, -EINVAL, "'%.*s' is not +FEATURE or -FEATURE; there are %s", (int)len,
                     text, names);
}

int arm_features_parse(struct arm_features *features, const char *spec, struct error *err)
{
    const struct model *model = NULL;
    char names[160];
    size_t len;

    if (!spec)
        spec = "max";
    len = strcspn(spec, ",");
    for (unsigned i = 0; i < ARRAY_SIZE(models); i++)
        if (same(models[i].name, spec, len))
            model = &models[i];
    if (!model) {
        list(names, sizeof(names), arm_model_name);
        return error_set(err, -EINVAL, "no CPU model '%.*s'; there are %s", (int)len, spec, names);
    }
    features->model = model->name;
    features->midr = model->midr;
    features->have = model->have;
    features->gic = 3;
    features->cntfrq = 62500000;
    for (spec += len; *spec; spec += len) {
        spec++;
        len = strcspn(spec, ",");
        int rc = parse_feature(features, spec, len, err);
        if (rc)
            return rc;
    }
    return 0;
}
