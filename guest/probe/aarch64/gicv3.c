/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv3's CPU interface (IHI 0069, 12.2): system registers, by their encodings. */
#include "arch.h"

#define ICC_PMR     S3_0_C4_C6_0
#define ICC_IAR1    S3_0_C12_C12_0
#define ICC_EOIR1   S3_0_C12_C12_1
#define ICC_BPR1    S3_0_C12_C12_3
#define ICC_CTLR    S3_0_C12_C12_4
#define ICC_SRE     S3_0_C12_C12_5
#define ICC_IGRPEN1 S3_0_C12_C12_7
#define ICC_SGI1R   S3_0_C12_C11_5

/* The macros take a name as it is; these expand it first. */
#define icc_read(name)         read_sysreg(name)
#define icc_write(name, value) write_sysreg(name, value)

bool gicv3_has_registers(void)
{
    return read_sysreg(id_aa64pfr0_el1) >> 24 & 15;
}

void gicv3_cpu_init(void)
{
    icc_write(ICC_SRE, 7);
    icc_write(ICC_PMR, 0xf0);
    icc_write(ICC_BPR1, 0);
    icc_write(ICC_CTLR, 0); /* EOIR drops the priority and deactivates */
    icc_write(ICC_IGRPEN1, 1);
}

u32 gicv3_acknowledge(void)
{
    u32 intid = (u32)icc_read(ICC_IAR1) & 0xffffff;

    barrier();
    return intid;
}

void gicv3_end(u32 intid)
{
    icc_write(ICC_EOIR1, intid);
}

void gicv3_send(u64 affinity, u32 intid)
{
    u64 target = 1ull << (affinity & 15) | (affinity >> 8 & 255) << 16 | (u64)intid << 24 |
                 (affinity >> 16 & 255) << 32 | (affinity >> 4 & 15) << 44 |
                 (affinity >> 32 & 255) << 48;

    barrier();
    icc_write(ICC_SGI1R, target);
}
