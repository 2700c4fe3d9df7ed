/* SPDX-License-Identifier: Apache-2.0 */
#include "gic.h"

u64 gic;

volatile u32 *reg(u64 address)
{
    return (volatile u32 *)address;
}

u64 gic_base(void)
{
    u64 self = read_sysreg(mpidr_el1) & 0xff;

    return gic == 3 ? GICR + self * GICR_SIZE + 0x10000 : GICD;
}

void gic_enable(u64 intid, int on)
{
    u64 base = gic_base();

    *reg(base + (on ? 0x100 : 0x180)) = 1u << intid;
}

void gic_pend(u64 intid)
{
    u64 base = gic_base();

    *reg(base + 0x200) = 1u << intid;
}

void gic_priority(u64 intid, u64 priority)
{
    u64 base = gic_base();

    *(volatile u8 *)(base + 0x400 + intid) = (u8)priority;
}

void gic_mask(u64 priority)
{
    if (gic == 3)
        write_sysreg(S3_0_C4_C6_0, priority); /* ICC_PMR_EL1 */
    else
        *reg(GICC + 4) = (u32)priority;
}

u64 gic_take(void)
{
    if (gic == 3)
        return read_sysreg(S3_0_C12_C12_0) & 0xffffff; /* ICC_IAR1_EL1 */
    return *reg(GICC + 0xc) & 0x3ff;
}

void gic_end(u64 intid)
{
    if (gic == 3)
        write_sysreg(S3_0_C12_C12_1, intid); /* ICC_EOIR1_EL1 */
    else
        *reg(GICC + 0x10) = (u32)intid;
}

void gic_send(u64 intid, u64 target)
{
    dsb();
    if (gic == 3)
        write_sysreg(S3_0_C12_C11_5, intid << 24 | 1ul << target); /* ICC_SGI1R_EL1 */
    else
        *reg(GICD + 0xf00) = (u32)(1u << (16 + target) | intid);
}

void gic_init(void)
{
    u64 self = read_sysreg(mpidr_el1) & 0xff;

    gic = read_sysreg(id_aa64pfr0_el1) >> 24 & 0xf ? 3 : 2;
    if (gic == 3) {
        u64 base = GICR + self * GICR_SIZE;
        if (!self)
            *reg(GICD) = 0x12;    /* ARE, group 1 */
        *reg(base + 0x14) &= ~2u; /* wake up */
        while (*reg(base + 0x14) & 4)
            relax();
        *reg(base + 0x10080) = ~0u;      /* all of group 1 */
        write_sysreg(S3_0_C12_C12_5, 7); /* ICC_SRE_EL1 */
        write_sysreg(S3_0_C12_C12_3, 0); /* ICC_BPR1_EL1 */
        write_sysreg(S3_0_C12_C12_7, 1); /* ICC_IGRPEN1_EL1 */
    } else {
        if (!self)
            *reg(GICD) = 1;
        *reg(GICC + 8) = 0;
        *reg(GICC) = 1;
    }
    for (u64 i = 0; i < 32; i++)
        gic_priority(i, 0xa0);
    gic_mask(0xf0);
}
