/* SPDX-License-Identifier: Apache-2.0 */
/* A board: a memory and interrupt map with everything wired. */
#ifndef ARMVM_MACHINE_BOARD_BOARD_H
#define ARMVM_MACHINE_BOARD_BOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct acpi_files; /* machine/fw/acpi/acpi.h */
struct blk;
struct board;
struct chr;
struct error;
struct loop;
struct net;
struct nv;
struct trace;

enum { BOARD_MAX_DISKS = 16, BOARD_MAX_NETS = 8 };

/* What virtio devices are on. */
enum board_bus { BOARD_BUS_MMIO, BOARD_BUS_PCI };

struct board_config {
    unsigned cpus;
    uint64_t memory;              /* bytes */
    unsigned gic;                 /* 2, 3; 0: the board's choice (3) */
    bool acpi;                    /* firmware gets ACPI tables to hand on */
    const char *cpu;              /* CPU model string or NULL */
    enum engine_kind engine;
    enum engine_host_cpu host_cpu;
    uint32_t without; /* bits by enum engine_part */
    size_t code_cache;
    const char *code_store; /* as struct engine_config has them; needed to make the board only */
    bool code_store_asked;
    uint32_t tier2_us;
    bool perf_map;
    const char *kernel, *initrd, *append; /* paths and command line; initrd, append may be NULL */
    /* Firmware and its variables; both or none. Firmware starts instead of the kernel, which it is
     * offered. */
    struct nv *flash_code, *flash_vars;
    struct chr *serial;           /* PL011's other end, or NULL */
    struct chr *virtio_console;   /* or NULL; with it and no serial there is no PL011 at all */
    struct { struct blk *blk; enum board_bus bus; bool legacy; } disk[BOARD_MAX_DISKS];
    unsigned disks;
    struct {
        struct net *net;
        uint8_t mac[6];
        enum board_bus bus;
        bool legacy;
    } net[BOARD_MAX_NETS];
    unsigned nets;
    bool rng;
    enum board_bus virtio_bus;    /* of console and rng */
    struct loop *loop;            /* timers, power events */
    const struct trace *trace;
    /* Asked for by the guest; called on a vCPU thread: must only post to the loop. */
    void (*power)(void *ctx, bool reset);
    void *power_ctx;
};

/* Checks the configuration (9 CPUs on GICv2, too little memory...), builds memory, devices, engine,
 * device tree; loads the kernel. Nothing runs yet. One line on error. */
int board_virt_create(const struct board_config *config, struct board **board, struct error *err);
void board_destroy(struct board *board); /* stops it first */

int board_start(struct board *board, struct error *err);
/* Everything back to power-on: devices, memory, PEs, kernel loaded anew; then runs. Loop thread. */
int board_reset(struct board *board, struct error *err);
/* Presses the power button: asks the guest (gpio-keys); false if the board has none. */
bool board_power_button(struct board *board);
struct engine *board_engine(struct board *board);

/* The device tree as the guest gets it; *size in bytes; owned by the board. */
const void *board_fdt(const struct board *board, size_t *size);

/* The ACPI tables of the same machine; the caller's, to acpi_files_free(). */
int board_acpi(struct board *board, struct acpi_files *files, struct error *err);
/* Calls visit with each of them, until an error: its signature in lower case, its contents with a
 * good checksum (addresses of other tables are offsets in the file that firmware gets). */
int board_visit_acpi(struct board *board,
                     int (*visit)(void *ctx, const char *name, const void *table, size_t size,
                                  struct error *err),
                     void *ctx, struct error *err);

#endif
