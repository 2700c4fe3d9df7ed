/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armvm's own small guest: an arm64 Image of one page that says what it runs on and takes one-letter
 * commands from the serial port. It shows that the machine works where no Linux can be had.
 */
#define UART 0x09000000 /* PL011 of the default board */
#define DR 0x00
#define FR 0x18
#define CR 0x30
#define CR_ON 0x301
#define FR_RXFE_BIT 4
#define FR_TXFF_BIT 5
#define PSCI_SYSTEM_OFF 0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

        .section .text
        .global _start
_start:                                 // Linux arm64 Image header
        b       start
        .word   0
        .quad   0                       // text_offset
        .quad   _end - _start           // image_size
        .quad   0x0a                    // 4K pages, anywhere in memory, little-endian
        .quad   0, 0, 0
        .ascii  "ARM\x64"
        .word   0

start:  adr     x9, stack_top
        mov     sp, x9
        mov     w19, #(UART >> 16)
        lsl     x19, x19, #16
        mov     w0, #CR_ON              // receiving waits for the enable bit
        str     w0, [x19, #CR]
        adr     x0, banner
        bl      puts
        bl      info
prompt: adr     x0, ready
        bl      puts
wait:   ldr     w1, [x19, #FR]
        tbnz    w1, #FR_RXFE_BIT, wait
        ldr     w20, [x19, #DR]
        and     w20, w20, #0xff
        mov     w0, w20
        bl      putc
        adr     x0, newline
        bl      puts
        cmp     w20, #'i'
        b.eq    show
        cmp     w20, #'o'
        b.eq    off
        cmp     w20, #'r'
        b.eq    reset
        adr     x0, help
        bl      puts
        b       prompt
show:   bl      info
        b       prompt
off:    adr     x0, bye
        bl      puts
        movz    w0, #(PSCI_SYSTEM_OFF & 0xffff)
        movk    w0, #(PSCI_SYSTEM_OFF >> 16), lsl #16
        hvc     #0
reset:  movz    w0, #(PSCI_SYSTEM_RESET & 0xffff)
        movk    w0, #(PSCI_SYSTEM_RESET >> 16), lsl #16
        hvc     #0
        b       .

info:   mov     x21, x30
        adr     x0, t_midr
        bl      puts
        mrs     x0, midr_el1
        bl      hex
        adr     x0, t_el
        bl      puts
        mrs     x0, CurrentEL
        lsr     x0, x0, #2
        bl      hex
        adr     x0, t_frequency
        bl      puts
        mrs     x0, cntfrq_el0
        bl      hex
        adr     x0, t_counter
        bl      puts
        mrs     x0, cntvct_el0
        bl      hex
        adr     x0, newline
        bl      puts
        ret     x21

/* puts: x0 = string */
puts:   mov     x10, x30
        mov     x11, x0
1:      ldrb    w0, [x11], #1
        cbz     w0, 2f
        bl      putc
        b       1b
2:      ret     x10

/* putc: w0 = character */
putc:   ldr     w1, [x19, #FR]
        tbnz    w1, #FR_TXFF_BIT, putc
        str     w0, [x19, #DR]
        ret

/* hex: prints x0 as 16 digits */
hex:    mov     x10, x30
        mov     x11, x0
        mov     w12, #60
1:      lsr     x0, x11, x12
        and     x0, x0, #15
        cmp     x0, #10
        add     x1, x0, #'0'
        add     x0, x0, #('a' - 10)
        csel    x0, x1, x0, lo
        bl      putc
        subs    w12, w12, #4
        b.pl    1b
        ret     x10

banner: .asciz  "\r\narmvm's own small guest\r\n"
t_midr: .asciz  "  MIDR_EL1    0x"
t_el:   .asciz  "\r\n  level       0x"
t_frequency: .asciz "\r\n  CNTFRQ_EL0  0x"
t_counter:   .asciz "\r\n  CNTVCT_EL0  0x"
help:   .asciz  "i: what this runs on   r: reset   o: power off\r\n"
ready:  .asciz  "ready> "
bye:    .asciz  "powering off\r\n"
newline: .asciz "\r\n"
        .balign 16
        .skip   512
stack_top:
_end:
