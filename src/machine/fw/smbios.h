/* SPDX-License-Identifier: Apache-2.0 */
/* SMBIOS 3.0 (DSP0134) structures: what dmidecode and inventories show. Handed over through the
 * fw_cfg files below; firmware places them and makes the anchor's address and checksum good. */
#ifndef ARMVM_MACHINE_FW_SMBIOS_H
#define ARMVM_MACHINE_FW_SMBIOS_H

#include <stdint.h>

#include "machine/fw/blob.h"

#define SMBIOS_ANCHOR_FILE "etc/smbios/smbios-anchor"
#define SMBIOS_TABLES_FILE "etc/smbios/smbios-tables"

struct smbios_facts {
    const char *board; /* "virt": the product's version */
    const char *cpu;   /* model */
    uint64_t midr;
    unsigned cpus;
    uint64_t ram_base, ram_size;
};

/* Both files' contents, the caller's to blob_free(). 0 or negative errno, nothing left then. */
int smbios_build(const struct smbios_facts *facts, struct blob *anchor, struct blob *tables);

#endif
