/* SPDX-License-Identifier: Apache-2.0 */
/* Bit positions of PSTATE and of the control registers that several files of arm/ look at. */
#ifndef ARMVM_ARM_PSTATE_H
#define ARMVM_ARM_PSTATE_H

#include <stdint.h>

/* arm_cpu.daif */
enum { ARM_DAIF_F = 1, ARM_DAIF_I = 2, ARM_DAIF_A = 4, ARM_DAIF_D = 8 };

/* SPSR_EL1: lowest bit of each field (manual C5.2.19). */
enum {
    ARM_SPSR_DAIF = 6,
    ARM_SPSR_BTYPE = 10,
    ARM_SPSR_SSBS = 12,
    ARM_SPSR_IL = 20,
    ARM_SPSR_SS = 21,
    ARM_SPSR_PAN = 22,
    ARM_SPSR_UAO = 23,
    ARM_SPSR_DIT = 24,
    ARM_SPSR_TCO = 25,
};

/* SCTLR_EL1 (manual D19.2.118). */
#define ARM_SCTLR_M    (1ull << 0)
#define ARM_SCTLR_A    (1ull << 1)
#define ARM_SCTLR_C    (1ull << 2)
#define ARM_SCTLR_SA   (1ull << 3)
#define ARM_SCTLR_SA0  (1ull << 4)
#define ARM_SCTLR_nAA  (1ull << 6)
#define ARM_SCTLR_UMA  (1ull << 9)
#define ARM_SCTLR_EnRCTX (1ull << 10)
#define ARM_SCTLR_I    (1ull << 12)
#define ARM_SCTLR_EnDB (1ull << 13)
#define ARM_SCTLR_DZE  (1ull << 14)
#define ARM_SCTLR_UCT  (1ull << 15)
#define ARM_SCTLR_NTWI (1ull << 16)
#define ARM_SCTLR_NTWE (1ull << 18)
#define ARM_SCTLR_WXN  (1ull << 19)
#define ARM_SCTLR_TSCXT (1ull << 20)
#define ARM_SCTLR_SPAN (1ull << 23)
#define ARM_SCTLR_E0E  (1ull << 24)
#define ARM_SCTLR_EE   (1ull << 25)
#define ARM_SCTLR_UCI  (1ull << 26)
#define ARM_SCTLR_EnDA (1ull << 27)
#define ARM_SCTLR_EnIB (1ull << 30)
#define ARM_SCTLR_EnIA (1ull << 31)
#define ARM_SCTLR_MSCEn (1ull << 33)
#define ARM_SCTLR_BT0  (1ull << 35)
#define ARM_SCTLR_BT1  (1ull << 36)
#define ARM_SCTLR_DSSBS (1ull << 44)

/* TCR_EL1 (manual D19.2.139). */
enum {
    ARM_TCR_T0SZ = 0, ARM_TCR_EPD0 = 7, ARM_TCR_TG0 = 14, ARM_TCR_T1SZ = 16, ARM_TCR_A1 = 22,
    ARM_TCR_EPD1 = 23, ARM_TCR_TG1 = 30, ARM_TCR_IPS = 32, ARM_TCR_AS = 36, ARM_TCR_TBI0 = 37,
    ARM_TCR_TBI1 = 38, ARM_TCR_HA = 39, ARM_TCR_HD = 40, ARM_TCR_HPD0 = 41, ARM_TCR_HPD1 = 42,
    ARM_TCR_HWU = 43 /* to 50 */, ARM_TCR_TBID0 = 51, ARM_TCR_TBID1 = 52, ARM_TCR_E0PD0 = 55,
    ARM_TCR_E0PD1 = 56, ARM_TCR_DS = 59,
};

/* MDSCR_EL1. */
#define ARM_MDSCR_SS  (1ull << 0)
#define ARM_MDSCR_KDE (1ull << 13)
#define ARM_MDSCR_MDE (1ull << 15)

/* OSLSR_EL1. */
#define ARM_OSLSR_OSLK (1ull << 1)
#define ARM_OSLSR_OSLM (1ull << 3)

/* arm_cpu.monitor[0] while the exclusive monitor is open. */
#define ARM_MONITOR_OPEN (~0ull)

/* Fault status codes, ISS.DFSC and ISS.IFSC; those with a level take it added. */
enum {
    ARM_FSC_ADDRESS_SIZE = 0x00,
    ARM_FSC_TRANSLATION = 0x04,
    ARM_FSC_ACCESS_FLAG = 0x08,
    ARM_FSC_PERMISSION = 0x0c,
    ARM_FSC_EXTERNAL = 0x10,
    ARM_FSC_EXTERNAL_WALK = 0x14,
    ARM_FSC_ALIGNMENT = 0x21,
    ARM_FSC_DEBUG = 0x22,
    ARM_FSC_ATOMIC_UPDATE = 0x31,
    ARM_FSC_EXTERNAL_WALK_M1 = 0x13, /* level -1 */
    ARM_FSC_ADDRESS_SIZE_M1 = 0x29,
    ARM_FSC_TRANSLATION_M1 = 0x2b,
};

#endif
