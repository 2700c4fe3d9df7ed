/* SPDX-License-Identifier: Apache-2.0 */
/* What the architecture says of A64 words (tests/insn/arch), for a PE with given ID registers. */
#ifndef ARMVM_TESTS_INSN_ARCH_H
#define ARMVM_TESTS_INSN_ARCH_H

#include "arch_rows.h"

struct arm_features;

/* The bits of enum arch_feature that the ID registers of a model announce. */
uint64_t arch_announced(const struct arm_features *features);
/* The register and field that announces a feature: "ID_AA64ISAR0_EL1.AES". */
const char *arch_feature_field(enum arch_feature feature);

struct arch_decoder; /* arch_rows sorted into buckets */
struct arch_decoder *arch_decoder_create(void);
void arch_decoder_destroy(struct arch_decoder *decoder);
/* The row that a word decodes to (NULL: unallocated) and whether it is UNDEFINED. */
enum arch_verdict arch_decode(const struct arch_decoder *decoder, uint32_t word, uint64_t have,
                              const struct arch_row **row);

#endif
