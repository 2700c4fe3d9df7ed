/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blocks that random tests do not come up with: exclusive pairs, loops, calls, flag chains,
 * accesses of mixed sizes, system registers of user mode. X28 points into the memory area;
 * everything else is random, and the oracle says what is right. NOPs at the end are where short
 * branches lead.
 */
#include "insn.h"

#include <string.h>

#include "arm/features.h"
#include "base/bits.h"

/* clang-format off */
static const struct {
    const char *text;
    uint32_t code[INSN_MAX_BLOCK];
    uint64_t features;
} cases[] = {
    {"ldxr x1, [x28]; add x1, x1, 1; stxr w2, x1, [x28]",
     {0xc85f7f81, 0x91000421, 0xc8027f81}},
    {"ldaxr w1, [x28]; mov w3, 77; stlxr w2, w3, [x28]; stlxr w4, w3, [x28]",
     {0x885fff81, 0x528009a3, 0x8802ff83, 0x8804ff83}},
    {"ldxrb w1, [x28]; stxrb w2, w3, [x28]",
     {0x085f7f81, 0x08027f83}},
    {"ldaxrh w1, [x28]; stxrh w2, w3, [x28]",
     {0x485fff81, 0x48027f83}},
    {"ldxp x1, x2, [x28]; stxp w3, x5, x6, [x28]",
     {0xc87f0b81, 0xc8231b85}},
    {"ldaxp w1, w2, [x28]; stlxp w3, w5, w6, [x28]",
     {0x887f8b81, 0x88239b85}},
    {"ldxr x1, [x28]; clrex; stxr w2, x3, [x28]",
     {0xc85f7f81, 0xd5033f5f, 0xc8027f83}},
    {"ldxr x1, [x28]; add x4, x28, 8; stxr w2, x3, [x4]",
     {0xc85f7f81, 0x91002384, 0xc8027c83}},
    {"ldxr x1, [x28]; str x3, [x28, 64]; stxr w2, x3, [x28]; ldr x4, [x28]",
     {0xc85f7f81, 0xf9002383, 0xc8027f83, 0xf9400384}},
    {"ldr x0, [x28]; ldr x2, [x28, 8]; mov x1, x2; mov x3, x0; mov x2, x1; mov x0, x3; ldr x1, [x28, 8]; casp x0, x1, x4, x5, [x28]",
     {0xf9400380, 0xf9400782, 0xaa0203e1, 0xaa0003e3, 0xaa0103e2, 0xaa0303e0, 0xf9400781, 0x48207f84}},
    {"ldr w0, [x28]; ldr w1, [x28, 4]; caspal w0, w1, w4, w5, [x28]",
     {0xb9400380, 0xb9400781, 0x0860ff84}},
    {"casp x0, x1, x4, x5, [x28]",
     {0x48207f84}},
    {"ldp x0, x1, [x28]; casp x0, x1, x4, x5, [x28]; casp x0, x1, x6, x7, [x28]",
     {0xa9400780, 0x48207f84, 0x48207f86}},
    {"ldr x0, [x28]; casal x0, x3, [x28]; ldr x5, [x28]",
     {0xf9400380, 0xc8e0ff83, 0xf9400385}},
    {"mov x0, 10; mov x1, 0; add x1, x1, x0; subs x0, x0, 1; b.ne .-8; mov x3, 5",
     {0xd2800140, 0xd2800001, 0x8b000021, 0xf1000400, 0x54ffffc1, 0xd28000a3}},
    {"mov w0, 300; mov x1, x28; strb w0, [x1], 1; sub w0, w0, 1; tbz w0, 3, .-8; nop",
     {0x52802580, 0xaa1c03e1, 0x38001420, 0x51000400, 0x361fffc0, 0xd503201f}},
    {"mov x5, 3; mov x6, 0; mov x4, 4; add x6, x6, 1; subs x4, x4, 1; b.gt .-8; sub x5, x5, 1; cbnz x5, .-20; nop",
     {0xd2800065, 0xd2800006, 0xd2800084, 0x910004c6, 0xf1000484, 0x54ffffcc, 0xd10004a5, 0xb5ffff65, 0xd503201f}},
    {"cbz xzr, .+12; mov x0, 1; mov x1, 2; mov x2, 3",
     {0xb400007f, 0xd2800020, 0xd2800041, 0xd2800062}},
    {"cbnz wzr, .+8; mov x1, 2; mov x2, 3",
     {0x3500005f, 0xd2800041, 0xd2800062}},
    {"tbnz x28, 28, .+8; mov x1, 2; tbz x28, 28, .+8; mov x2, 3",
     {0x37e0005c, 0xd2800041, 0x36e0005c, 0xd2800062}},
    {"adr x1, .+16; br x1; mov x2, 1; mov x3, 2; mov x4, 3",
     {0x10000081, 0xd61f0020, 0xd2800022, 0xd2800043, 0xd2800064}},
    {"bl .+12; mov x2, 1; b .+12; mov x3, 2; ret; mov x4, 3",
     {0x94000003, 0xd2800022, 0x14000003, 0xd2800043, 0xd65f03c0, 0xd2800064}},
    {"adr x1, .+16; blr x1; mov x2, 1; b .+12; mov x3, 2; ret x30; mov x4, 3",
     {0x10000081, 0xd63f0020, 0xd2800022, 0x14000003, 0xd2800043, 0xd65f03c0, 0xd2800064}},
    {"ldr x1, .+12; ldrsw x2, .+8; ldr w3, .+4; nop; nop",
     {0x58000061, 0x98000042, 0x18000023, 0xd503201f, 0xd503201f}},
    {"adrp x1, .; adr x2, .-4; adr x3, .+1048575",
     {0x90000001, 0x10ffffe2, 0x707fffe3}},
    {"subs x0, x1, x2; csinc x3, x4, x5, hi; ccmp x3, x4, 5, lt; cset x6, vs; csetm w7, le",
     {0xeb020020, 0x9a858483, 0xfa44b065, 0x9a9f77e6, 0x5a9fc3e7}},
    {"adds x0, x1, x2; adc x3, x4, x5; adcs x6, x7, x8; sbcs x9, x10, x11; ngc w12, w13",
     {0xab020020, 0x9a050083, 0xba0800e6, 0xfa0b0149, 0x5a0d03ec}},
    {"subs x0, x0, x0; sbc x1, x2, x3; adcs xzr, x4, x5; sbcs w6, w7, w8",
     {0xeb000000, 0xda030041, 0xba05009f, 0x7a0800e6}},
    {"cmp x1, x2; b.hi .+8; mov x1, 1; b.ls .+8; mov x2, 2; b.ge .+8; mov x3, 3; b.lt .+8; mov x4, 4",
     {0xeb02003f, 0x54000048, 0xd2800021, 0x54000049, 0xd2800042, 0x5400004a, 0xd2800063, 0x5400004b, 0xd2800084}},
    {"cmn w1, w2; b.cs .+8; mov x1, 1; b.mi .+8; mov x2, 2; b.vs .+8; mov x3, 3; b.gt .+8; mov x4, 4",
     {0x2b02003f, 0x54000042, 0xd2800021, 0x54000044, 0xd2800042, 0x54000046, 0xd2800063, 0x5400004c, 0xd2800084}},
    {"ands x1, x2, x3; b.eq .+8; mov x4, 1; tst w5, 0xff; b.ne .+8; mov x6, 1",
     {0xea030041, 0x54000040, 0xd2800024, 0x72001cbf, 0x54000041, 0xd2800026}},
    {"mov x29, sp; stp x29, x30, [sp, -16]!; sub sp, sp, 32; str x0, [sp, 8]; mov x1, sp; ldr x2, [sp, 8]; add sp, sp, 32; ldp x3, x4, [sp], 16",
     {0x910003fd, 0xa9bf7bfd, 0xd10083ff, 0xf90007e0, 0x910003e1, 0xf94007e2, 0x910083ff, 0xa8c113e3}},
    {"sub sp, sp, 8; add sp, sp, 8; mov x0, sp; and sp, x0, 0xfffffffffffffff0",
     {0xd10023ff, 0x910023ff, 0x910003e0, 0x927cec1f}},
    {"str x0, [x28]; ldrb w1, [x28, 3]; ldrsh w2, [x28, 2]; ldr w3, [x28, 4]; strh w1, [x28, 6]; ldr x4, [x28]",
     {0xf9000380, 0x39400f81, 0x79c00782, 0xb9400783, 0x79000f81, 0xf9400384}},
    {"stp x0, x1, [x28]; ldp w2, w3, [x28, 4]; ldpsw x4, x5, [x28]; ldr q0, [x28]; str q0, [x28, 16]; ldr x6, [x28, 20]",
     {0xa9000780, 0x29408f82, 0x69401784, 0x3dc00380, 0x3d800780, 0xf8414386}},
    {"mrs x0, nzcv; msr nzcv, x1; mrs x2, nzcv; cset x3, eq",
     {0xd53b4200, 0xd51b4201, 0xd53b4202, 0x9a9f17e3}},
    {"mrs x0, fpcr; mrs x1, fpsr; msr fpsr, x0; mrs x2, fpsr",
     {0xd53b4400, 0xd53b4421, 0xd51b4420, 0xd53b4422}},
    {"mov x3, 0; msr fpsr, x3; fdiv d0, d1, d2; sqadd v3.4s, v4.4s, v5.4s; mrs x1, fpsr",
     {0xd2800003, 0xd51b4423, 0x1e621820, 0x4ea50c83, 0xd53b4421}},
    {"mov x9, 0x1000000; msr fpcr, x9; fadd s0, s1, s2; fmul v3.2d, v4.2d, v5.2d; msr fpcr, xzr; fadd s6, s1, s2",
     {0xd2a02009, 0xd51b4409, 0x1e222820, 0x6e65dc83, 0xd51b441f, 0x1e222826}},
    {"cfinv; mrs x1, nzcv; xaflag; mrs x2, nzcv; axflag; mrs x3, nzcv; adcs x4, x5, x6; cfinv; sbcs x7, x8, x9",
     {0xd500401f, 0xd53b4201, 0xd500403f, 0xd53b4202, 0xd500405f, 0xd53b4203, 0xba0600a4, 0xd500401f, 0xfa090107}},
    {"fcmp d0, d1; axflag; cset x1, gt; xaflag; cset x2, le; ccmp x3, x4, 5, vs; axflag; mrs x5, nzcv",
     {0x1e612000, 0xd500405f, 0x9a9fd7e1, 0xd500403f, 0x9a9fc7e2, 0xfa446065, 0xd500405f, 0xd53b4205}},
    {"msr dit, 1; mrs x1, dit; msr dit, x2; mrs x3, dit; msr ssbs, 1; mrs x4, ssbs; msr ssbs, x5; mrs x6, ssbs",
     {0xd503415f, 0xd53b42a1, 0xd51b42a2, 0xd53b42a3, 0xd503413f, 0xd53b42c4, 0xd51b42c5, 0xd53b42c6}},
    {"msr tpidr_el0, x1; mrs x2, tpidr_el0",
     {0xd51bd041, 0xd53bd042}},
    {"nop; yield; sev; sevl; wfe; dmb ish; dmb ishld; dsb sy; isb; nop",
     {0xd503201f, 0xd503203f, 0xd503209f, 0xd50320bf, 0xd503205f, 0xd5033bbf, 0xd50339bf, 0xd5033f9f, 0xd5033fdf, 0xd503201f}},
    {"prfm pldl1keep, [x28]; prfm pldl1strm, [x28, x1]; prfum pldl2keep, [x28, -3]; nop",
     {0xf9800380, 0xf8a16b81, 0xf89fd382, 0xd503201f}},
    {"ldtr x0, [x28]; sttr w1, [x28, 8]; ldtrsb x2, [x28, 1]",
     {0xf8400b80, 0xb8008b81, 0x38801b82}},
    {"ldnp x0, x1, [x28]; stnp w2, w3, [x28, 16]",
     {0xa8400780, 0x28020f82}},
    {"mul x0, x1, x2; umulh x3, x1, x2; umulh x4, x2, x5; mul x5, x5, x2; mul x6, x7, x7; umulh x7, x7, x7",
     {0x9b027c20, 0x9bc27c23, 0x9bc57c44, 0x9b027ca5, 0x9b077ce6, 0x9bc77ce7}},
    {"mul x2, x2, x3; umulh x3, x2, x3; umulh x19, x20, x20; mul x20, x20, x20; mul w0, w1, w2; umulh x1, x1, x2",
     {0x9b037c42, 0x9bc37c43, 0x9bd47e93, 0x9b147e94, 0x1b027c20, 0x9bc27c21}},
    {"udiv x0, x1, x2; msub x3, x0, x2, x1; udiv w4, w5, w6; msub w5, w6, w4, w5; sdiv x7, x8, x9; msub x9, x7, x9, x8; sdiv w10, w11, w12; msub w10, w10, w12, w11",
     {0x9ac20820, 0x9b028403, 0x1ac608a4, 0x1b0494c5, 0x9ac90d07, 0x9b09a0e9, 0x1acc0d6a, 0x1b0cad4a}},
    {"asr x2, x2, 63; lsl x1, x1, 63; sdiv x0, x1, x2; msub x3, x0, x2, x1; asr w6, w6, 31; lsl w5, w5, 31; sdiv w4, w5, w6; msub w4, w4, w6, w5; udiv x7, x8, x2; msub x8, x2, x7, x8; udiv w9, w10, w6; msub w10, w9, w6, w10; sdiv x11, x12, x2; msub x12, x11, x2, x12",
     {0x937ffc42, 0xd3410021, 0x9ac20c20, 0x9b028403, 0x131f7cc6, 0x530100a5, 0x1ac60ca4, 0x1b069484, 0x9ac20907, 0x9b07a048, 0x1ac60949, 0x1b06a92a, 0x9ac20d8b, 0x9b02b16c}},
    {"subs x0, x1, x2; udiv x3, x4, x5; str x3, [x28]; msub x4, x3, x5, x4; cset x6, hi; sdiv x7, x8, x9; mul x10, x7, x9; sub x11, x8, x10; umulh x12, x7, x9; sub x13, x10, x8; sbcs x14, x15, x16",
     {0xeb020020, 0x9ac50883, 0xf9000383, 0x9b059064, 0x9a9f97e6, 0x9ac90d07, 0x9b097cea, 0xcb0a010b, 0x9bc97cec, 0xcb08014d, 0xfa1001ee}},
    {"udiv x0, x1, x2; msub x3, x0, x2, x4; msub x5, x0, x6, x1; udiv x7, x1, x2; mov x2, x6; msub x8, x7, x2, x1; udiv w9, w10, w11; msub x12, x9, x11, x10; sdiv w13, w14, w15; madd w16, w13, w15, w14; mneg w17, w13, w15",
     {0x9ac20820, 0x9b029003, 0x9b068405, 0x9ac20827, 0xaa0603e2, 0x9b0284e8, 0x1acb0949, 0x9b0ba92c, 0x1acf0dcd, 0x1b0f39b0, 0x1b0ffdb1}},
    {"udiv x0, x1, x2; sdiv w3, w4, w5; add x6, x6, x0; eor x7, x7, x6; mul x8, x9, x10; lsr x11, x8, x3; msub x4, x3, x5, x4; sub x12, x13, x8; msub x1, x0, x2, x1; sdiv x14, x12, x11; umulh x9, x9, x10; msub w4, w3, w5, w4; msub x12, x14, x11, x12",
     {0x9ac20820, 0x1ac50c83, 0x8b0000c6, 0xca0600e7, 0x9b0a7d28, 0x9ac3250b, 0x9b059064, 0xcb0801ac, 0x9b028401, 0x9acb0d8e, 0x9bca7d29, 0x1b059064, 0x9b0bb1cc}},
    {"adds x0, x0, x1; mul x2, x3, x4; adcs x5, x5, x2; umulh x6, x3, x4; lsl x7, x8, 32; adcs x9, x9, x6; lsr x10, x11, 7; asr w12, w13, 5; adcs x14, x14, x7; ldr x15, [x28]; adcs x16, x16, x15; sbcs x17, x17, x10; mul w19, w20, w21; ngcs x22, x12; cset x23, cs",
     {0xab010000, 0x9b047c62, 0xba0200a5, 0x9bc47c66, 0xd3607d07, 0xba060129, 0xd347fd6a, 0x13057dac, 0xba0701ce, 0xf940038f, 0xba0f0210, 0xfa0a0231, 0x1b157e93, 0xfa0c03f6, 0x9a9f37f7}},
    {"subs x0, x1, x2; str x0, [x28]; sbcs x3, x4, x5; ldp x6, x7, [x28]; sbcs x8, x9, x6; umulh x10, x8, x7; sbc x11, x12, x13; ccmp x0, x3, 3, hi; adc x14, x14, xzr",
     {0xeb020020, 0xf9000380, 0xfa050083, 0xa9401f86, 0xfa060128, 0x9bc77d0a, 0xda0d018b, 0xfa438003, 0x9a1f01ce}},
    {"aese v0.16b, v1.16b; aesmc v0.16b, v0.16b; aese v0.16b, v2.16b; aesmc v3.16b, v0.16b; aesd v4.16b, v5.16b; aesimc v4.16b, v4.16b; aesd v4.16b, v6.16b; aesimc v7.16b, v4.16b",
     {0x4e284820, 0x4e286800, 0x4e284840, 0x4e286803, 0x4e2858a4, 0x4e287884, 0x4e2858c4, 0x4e287887}},
    {"aese v0.16b, v1.16b; aesimc v2.16b, v0.16b; aesd v3.16b, v1.16b; aesmc v3.16b, v3.16b; aese v4.16b, v4.16b; aesmc v4.16b, v4.16b; aese v5.16b, v6.16b; ldr q6, [x28]; aesmc v5.16b, v5.16b",
     {0x4e284820, 0x4e287802, 0x4e285823, 0x4e286863, 0x4e284884, 0x4e286884, 0x4e2848c5, 0x3dc00386, 0x4e2868a5}},
    {"ushr v0.4s, v1.4s, 20; sli v0.4s, v1.4s, 12; ushr v2.2d, v3.2d, 1; sli v2.2d, v3.2d, 63; shl v4.8h, v5.8h, 3; sri v4.8h, v5.8h, 13; ushr v6.16b, v7.16b, 5; sli v6.16b, v7.16b, 3",
     {0x6f2c0420, 0x6f2c5420, 0x6f7f0462, 0x6f7f5462, 0x4f1354a4, 0x6f1344a4, 0x6f0b04e6, 0x6f0b54e6}},
    {"ushr v0.2s, v1.2s, 7; sli v0.2s, v1.2s, 25; ushr v2.4s, v3.4s, 21; sli v2.4s, v3.4s, 12; ushr v4.4s, v5.4s, 19; sli v4.4s, v5.4s, 12; ushr v6.4s, v6.4s, 20; sli v6.4s, v7.4s, 12; shl d8, d9, 60; sri d8, d9, 4",
     {0x2f390420, 0x2f395420, 0x6f2b0462, 0x6f2c5462, 0x6f2d04a4, 0x6f2c54a4, 0x6f2c04c6, 0x6f2c54e6, 0x5f7c5528, 0x7f7c4528}},
    {"dup v0.2d, v1.d[1]; umull v2.2d, v3.2s, v0.2s; umull2 v4.2d, v3.4s, v0.4s; dup v5.4s, v6.s[3]; umull v7.2d, v5.2s, v8.2s; smull2 v9.2d, v8.4s, v5.4s; umlal v10.2d, v11.2s, v6.s[2]; umlal2 v10.2d, v11.4s, v6.s[1]; rev32 v12.8h, v10.8h; rev32 v13.8h, v1.8h",
     {0x4e180420, 0x2ea0c062, 0x6ea0c064, 0x4e1c04c5, 0x2ea8c0a7, 0x4ea5c109, 0x2f86296a, 0x6fa6216a, 0x6e60094c, 0x6e60082d}},
    {"bc.eq .+8; mov x1, 1; bc.hi .+8; mov x2, 2; nop",
     {0x54000050, 0xd2800021, 0x54000058, 0xd2800042, 0xd503201f}, 1ull << ARM_FEAT_HBC},
    {"mov x0, x28; sub x1, x28, 61; mov x2, 37; cpyfp [x0]!, [x1]!, x2!; cpyfm; cpyfe",
     {0xaa1c03e0, 0xd100f781, 0xd28004a2, 0x19010440, 0x19410440, 0x19810440}, 1ull << ARM_FEAT_MOPS},
    {"mov x0, x28; sub x1, x28, 5; mov x2, 37; cpyp [x0]!, [x1]!, x2!; cpym; cpye",
     {0xaa1c03e0, 0xd1001781, 0xd28004a2, 0x1d010440, 0x1d410440, 0x1d810440}, 1ull << ARM_FEAT_MOPS},
    {"mov x0, x28; add x1, x28, 5; mov x2, 37; cpyp [x0]!, [x1]!, x2!; cpym; cpye",
     {0xaa1c03e0, 0x91001781, 0xd28004a2, 0x1d010440, 0x1d410440, 0x1d810440}, 1ull << ARM_FEAT_MOPS},
    {"mov x0, x28; mov x2, 33; setp [x0]!, x2!, x1; setm; sete; mov x2, 0; setp; setm; sete",
     {0xaa1c03e0, 0xd2800422, 0x19c10440, 0x19c14440, 0x19c18440, 0xd2800002, 0x19c10440, 0x19c14440, 0x19c18440}, 1ull << ARM_FEAT_MOPS},
    {"ldapur x0, [x28, -8]; ldapurb w1, [x28, 3]; ldapursh x2, [x28, 6]; ldapursb w3, [x28, 1]; ldapursw x4, [x28, 4]; stlur w0, [x28, 12]; stlurh w1, [x28, 2]; ldr x5, [x28]",
     {0xd95f8380, 0x19403381, 0x59806382, 0x19c01383, 0x99804384, 0x9900c380, 0x59002381, 0xf9400385}},
    /* Tiny before rounding, the smallest normal number after it: UFC is set. */
    {"mov x0, 1; movk x0, 0x3ff0, lsl 48; mov x1, 0xfffffffffffff; fmov d0, x0; fmov d1, x1; msr fpsr, xzr; fmul d2, d0, d1; mrs x3, fpsr; msr fpsr, xzr; dup v0.2d, x0; dup v1.2d, x1; fmul v4.2d, v0.2d, v1.2d; mrs x4, fpsr; msr fpsr, xzr; movi v5.2d, 0; fmls v5.2d, v0.2d, v1.2d; mrs x5, fpsr",
     {0xd2800020, 0xf2e7fe00, 0x92fffe01, 0x9e670000, 0x9e670021, 0xd51b443f, 0x1e610802, 0xd53b4423, 0xd51b443f, 0x4e080c00, 0x4e080c21, 0x6e61dc04, 0xd53b4424, 0xd51b443f, 0x6f00e405, 0x4ee1cc05, 0xd53b4425}},
    {"mov w0, 1; movk w0, 0x3f80, lsl 16; mov w1, 0x7fffff; fmov s0, w0; fmov s1, w1; msr fpsr, xzr; fnmul s2, s0, s1; mrs x3, fpsr; msr fpsr, xzr; fmov s4, wzr; fmadd s3, s0, s1, s4; mrs x4, fpsr; mov x2, 0xffffffffffff; movk x2, 0x380f, lsl 48; fmov d5, x2; msr fpsr, xzr; fcvt s6, d5; mrs x5, fpsr; msr fpsr, xzr; fcvtn v7.2s, v5.2d; mrs x6, fpsr",
     {0x52800020, 0x72a7f000, 0x12bff001, 0x1e270000, 0x1e270021, 0xd51b443f, 0x1e218802, 0xd53b4423, 0xd51b443f, 0x1e2703e4, 0x1f011003, 0xd53b4424, 0x92ffffe2, 0xf2e701e2, 0x9e670045, 0xd51b443f, 0x1e6240a6, 0xd53b4425, 0xd51b443f, 0x0e6168a7, 0xd53b4426}},
};
/* clang-format on */

unsigned insn_case_count(void)
{
    return ARRAY_SIZE(cases);
}

void insn_case(struct insn_random *r, unsigned index, struct insn_test *test)
{
    test->area = INSN_WHOLE;
    test->values = INSN_ANY_VALUES;
    insn_random_state(r, test);
    test->shares = 0;
    test->before.x[28] = insn_data_va(INSN_WHOLE) + INSN_DATA / 2;
    test->before.sp = test->before.x[28];
    test->name = cases[index].text;
    test->features = cases[index].features;
    memcpy(test->code, cases[index].code, sizeof(test->code));
    for (test->length = 0; test->length < INSN_MAX_BLOCK && test->code[test->length];)
        test->length++;
}
