/* SPDX-License-Identifier: Apache-2.0 */
/* What all Arm PrimeCell devices share: identification registers and device-tree properties. */
#ifndef ARMVM_MACHINE_DEV_PRIMECELL_H
#define ARMVM_MACHINE_DEV_PRIMECELL_H

#include <stdint.h>

#include "machine/fw/fdt.h"

enum { PRIMECELL_ID_REGISTERS = 0xfe0, PRIMECELL_SIZE = 0x1000 };

/* PeriphID0..3 at 0xfe0, PCellID0..3 at 0xff0; part: 12 bits, designer Arm (0x41). */
static inline uint8_t primecell_id(uint64_t offset, unsigned part, unsigned revision)
{
    static const uint8_t cell[4] = {0x0d, 0xf0, 0x05, 0xb1};
    unsigned n = (unsigned)(offset - PRIMECELL_ID_REGISTERS) / 4;
    switch (n) {
    case 0:
        return part & 0xff;
    case 1:
        return (uint8_t)(0x10 | (part >> 8 & 0xf));
    case 2:
        return (uint8_t)(0x04 | revision << 4);
    case 3:
        return 0;
    default:
        return cell[n & 3];
    }
}

/* clocks: all of them run from apb-pclk; names as the binding lists them, separated by '\n'. */
static inline void primecell_dt_clocks(struct fdt_builder *fdt, unsigned count, const char *names)
{
    uint32_t clocks[2] = {DT_PHANDLE_CLOCK, DT_PHANDLE_CLOCK};
    dt_cells(fdt, "clocks", clocks, count < 2 ? count : 2);
    dt_strings(fdt, "clock-names", names);
}

#endif
