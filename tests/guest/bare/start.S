/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every bare guest starts with: an arm64 Image header, the entry of each CPU, the exception
 * vectors, and the way to EL0 and back. Position-independent: loaders differ in where they put it.
 */
#define STACK 4096
#define CPU_SIZE_LOG2 8 /* sizeof(struct cpu), see bare.h */

        .section .head, "ax"
        .global _start
_start: b       primary
        .word   0
        .quad   0                       // text_offset
        .quad   _end - _start           // image_size
        .quad   0x0a                    // 4K pages, anywhere in memory, little-endian
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   0

primary:
        mov     x20, x0                 // the device tree
        mov     x19, #0
        bl      set_up
        bl      mmu_tables
        bl      mmu_on
        adrp    x9, device_tree
        str     x20, [x9, :lo12:device_tree]
        bl      main
        bl      power_off

/* PSCI CPU_ON comes here, x0 = CPU number. */
        .global secondary
secondary:
        mov     x19, x0
        bl      set_up
        bl      mmu_on
        bl      secondary_main
        movz    w0, #0x8400, lsl #16
        movk    w0, #2                  // CPU_OFF
        hvc     #0
        b       .

/* Stack, struct cpu and vectors of CPU x19. */
set_up: adrp    x9, stacks
        add     x9, x9, :lo12:stacks
        add     x10, x19, #1
        mov     x11, #STACK
        madd    x9, x10, x11, x9
        msr     spsel, #1
        mov     sp, x9
        adrp    x9, cpus
        add     x9, x9, :lo12:cpus
        add     x9, x9, x19, lsl #CPU_SIZE_LOG2
        msr     tpidr_el1, x9
        adrp    x9, vectors
        add     x9, x9, :lo12:vectors
        msr     vbar_el1, x9
        isb
        mov     x29, xzr
        ret

        .text
        .macro  entry number
        .balign 0x80
        sub     sp, sp, #272
        stp     x0, x1, [sp]
        mov     x1, #\number
        b       common
        .endm

        .balign 0x800
vectors:
        .set    number, 0
        .rept   16
        entry   number
        .set    number, number + 1
        .endr

common: stp     x2, x3, [sp, #16]
        stp     x4, x5, [sp, #32]
        stp     x6, x7, [sp, #48]
        stp     x8, x9, [sp, #64]
        stp     x10, x11, [sp, #80]
        stp     x12, x13, [sp, #96]
        stp     x14, x15, [sp, #112]
        stp     x16, x17, [sp, #128]
        stp     x18, x19, [sp, #144]
        stp     x20, x21, [sp, #160]
        stp     x22, x23, [sp, #176]
        stp     x24, x25, [sp, #192]
        stp     x26, x27, [sp, #208]
        stp     x28, x29, [sp, #224]
        mrs     x9, elr_el1
        stp     x30, x9, [sp, #240]
        mrs     x9, spsr_el1
        str     x9, [sp, #256]
        mov     x0, sp
        bl      exception
        ldp     x30, x9, [sp, #240]
        msr     elr_el1, x9
        ldr     x9, [sp, #256]
        msr     spsr_el1, x9
        ldp     x2, x3, [sp, #16]
        ldp     x4, x5, [sp, #32]
        ldp     x6, x7, [sp, #48]
        ldp     x8, x9, [sp, #64]
        ldp     x10, x11, [sp, #80]
        ldp     x12, x13, [sp, #96]
        ldp     x14, x15, [sp, #112]
        ldp     x16, x17, [sp, #128]
        ldp     x18, x19, [sp, #144]
        ldp     x20, x21, [sp, #160]
        ldp     x22, x23, [sp, #176]
        ldp     x24, x25, [sp, #192]
        ldp     x26, x27, [sp, #208]
        ldp     x28, x29, [sp, #224]
        ldp     x0, x1, [sp]
        add     sp, sp, #272
        eret

/* u64 run_at(function, argument, sp_el0, spsr): runs it with that PSTATE until SVC #0x42. */
        .global run_at
run_at: stp     x29, x30, [sp, #-96]!
        stp     x19, x20, [sp, #16]
        stp     x21, x22, [sp, #32]
        stp     x23, x24, [sp, #48]
        stp     x25, x26, [sp, #64]
        stp     x27, x28, [sp, #80]
        mrs     x10, tpidr_el1
        mov     x9, sp
        str     x9, [x10]
        msr     sp_el0, x2
        msr     elr_el1, x0
        msr     spsr_el1, x3
        mov     x0, x1
        eret
        .global run_done
run_done:
        mrs     x10, tpidr_el1
        ldr     x9, [x10]
        mov     sp, x9
        ldp     x19, x20, [sp, #16]
        ldp     x21, x22, [sp, #32]
        ldp     x23, x24, [sp, #48]
        ldp     x25, x26, [sp, #64]
        ldp     x27, x28, [sp, #80]
        ldp     x29, x30, [sp], #96
        ret

        .bss
        .balign 4096
stacks: .skip   8 * STACK
