/* SPDX-License-Identifier: Apache-2.0 */
/* struct mmu, for assembly too (mmu.c checks). */
#define MMU_TTBR 0
#define MMU_MAIR 16
