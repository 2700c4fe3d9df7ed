/* SPDX-License-Identifier: Apache-2.0 */
/* Where firmware enters, where other CPUs start, the way to EL1 with the MMU on. */
#include "aarch64/offsets.h"

#define R_AARCH64_RELATIVE 1027

/* x0 = image handle, x1 = system table; returns to the firmware. */
        .text
        .global efi_entry
efi_entry:
        stp     x29, x30, [sp, #-32]!
        stp     x0, x1, [sp, #16]
        adrp    x9, rela_start
        add     x9, x9, :lo12:rela_start
        adrp    x10, rela_end
        add     x10, x10, :lo12:rela_end
        adrp    x11, image_base         // linked at 0
        add     x11, x11, :lo12:image_base
1:      cmp     x9, x10
        b.hs    2f
        ldp     x12, x13, [x9]          // place, kind
        ldr     x14, [x9, #16]          // addend
        add     x9, x9, #24
        cmp     w13, #R_AARCH64_RELATIVE
        b.ne    1b
        add     x14, x14, x11
        str     x14, [x12, x11]
        b       1b
2:      ldp     x0, x1, [sp, #16]
        bl      efi_main
        ldp     x29, x30, [sp], #32
        ret

/*
 * void arch_enter(const struct mmu *): continues at EL1 with those tables and our vectors. What is
 * between turning one map off and the other on touches no memory: caches may hold what it needs.
 */
        .global arch_enter
arch_enter:
        mov     x15, x30
        bl      to_el1
        mov     x30, x15
        b       mmu_switch

/* Another CPU, from PSCI: x0 = struct cpu, MMU and caches off. */
        .global secondary_entry
secondary_entry:
        mov     x19, x0
        msr     daifset, #15
        msr     spsel, #1
        ldr     x9, [x19]               // its stack
        mov     sp, x9
        bl      to_el1
        adrp    x0, mmu
        add     x0, x0, :lo12:mmu
        bl      mmu_switch
        mov     x0, x19
        mov     x29, xzr
        bl      secondary_main
        b       .

/* Clobbers x9 to x11. */
to_el1: msr     daifset, #15
        mrs     x9, CurrentEL
        cmp     x9, #(2 << 2)
        b.ne    1f
        mov     x9, #(1 << 31)          // HCR_EL2.RW: EL1 is AArch64
        msr     hcr_el2, x9
        mov     x9, #3                  // CNTHCTL_EL2: EL1 has the physical counter and timer
        msr     cnthctl_el2, x9
        msr     cntvoff_el2, xzr
        mov     x9, #0x33ff             // CPTR_EL2: nothing is trapped
        msr     cptr_el2, x9
        msr     hstr_el2, xzr
        mrs     x9, midr_el1
        msr     vpidr_el2, x9
        mrs     x9, mpidr_el1
        msr     vmpidr_el2, x9
        mrs     x9, id_aa64pfr0_el1
        ubfx    x9, x9, #24, #4
        cbz     x9, 2f
        mov     x9, #0xf                // ICC_SRE_EL2: EL1 may use the GIC's system registers
        msr     S3_4_C12_C9_5, x9
        isb
        msr     S3_4_C12_C11_0, xzr     // ICH_HCR_EL2
2:      movz    x9, #0x30d0, lsl #16    // SCTLR_EL1: RES1 bits only, MMU off
        movk    x9, #0x0800
        msr     sctlr_el1, x9
        mov     x9, #0x3c5
        msr     spsr_el2, x9
        msr     elr_el2, x30
        mov     x9, sp
        msr     sp_el1, x9
        isb
        eret
1:      ret

/* x0 = struct mmu; clobbers x9 to x14. */
mmu_switch:
        ldp     x9, x10, [x0, #MMU_TTBR]
        ldp     x11, x12, [x0, #MMU_MAIR]
        adrp    x13, vectors
        add     x13, x13, :lo12:vectors
        dsb     sy
        mrs     x14, sctlr_el1
        bic     x14, x14, #1
        msr     sctlr_el1, x14
        isb
        msr     ttbr0_el1, x9
        msr     tcr_el1, x10
        msr     mair_el1, x11
        msr     vbar_el1, x13
        isb
        tlbi    vmalle1
        dsb     sy
        isb
        msr     sctlr_el1, x12
        isb
        ic      iallu
        dsb     sy
        isb
        ret

/* bool try_read(u64 at, u32 *value, u64 *fixup), width 4 and 1: a fault goes on at 1. */
        .macro  try_read name, load
        .global \name
\name:  adr     x9, 1f
        str     x9, [x2]
        dsb     sy
        \load   w10, [x0]
        dsb     sy
        str     xzr, [x2]
        str     w10, [x1]
        mov     w0, #1
        ret
1:      mov     w0, #0
        ret
        .endm
        try_read try_read32, ldr
        try_read try_read8, ldrb
