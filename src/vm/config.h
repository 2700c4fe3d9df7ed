/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asked for, parsed and with defaults, before anything is opened. */
#ifndef ARMVM_VM_CONFIG_H
#define ARMVM_VM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"

struct error;

enum { VM_MAX_DISKS = 16, VM_MAX_NETS = 8, VM_MAX_SSH_KEYS = 8 };
/* What virtio devices are on. */
enum vm_bus { VM_BUS_UNSAID, VM_BUS_MMIO, VM_BUS_PCI };
enum vm_console { VM_CONSOLE_PL011, VM_CONSOLE_VIRTIO };

struct vm_disk {
    char *path;
    const char *format; /* a constant; NULL: not said */
    bool readonly;
    enum vm_bus bus;
    bool legacy; /* virtio-mmio version 1, transitional on PCI */
};

struct vm_net {
    char *spec; /* the rest of "user,...": what the back end understands */
    bool has_mac, legacy;
    enum vm_bus bus;
    uint8_t mac[6];
};

/* Strings without an owner named here point into the command line. */
struct vm_config {
    const char *kernel, *initrd, *append;
    const char *firmware; /* "auto", "none" or a file; NULL: not said */
    const char *vars;     /* NULL: not said */
    bool image;           /* disk[0] is the one to boot from */
    const char *user;     /* whom cloud-init makes; NULL: not said */
    const char *ssh_key[VM_MAX_SSH_KEYS]; /* files */
    unsigned ssh_keys;
    unsigned cpus;
    uint64_t memory;
    const char *cpu;
    unsigned gic; /* 2, 3; 0: the board's choice */
    enum vm_console console;
    enum vm_bus virtio_bus; /* of devices that say no other */
    const char *serial;     /* NULL: not said */
    struct vm_disk disk[VM_MAX_DISKS];
    unsigned disks;
    struct vm_net net[VM_MAX_NETS];
    unsigned nets;
    bool net_given; /* --net was said: no default */
    bool acpi;      /* tables instead of a device tree */
    bool rng, legacy_virtio, ephemeral;
    enum engine_kind engine;
    enum engine_host_cpu host_cpu;
    uint32_t without;    /* parts of the engine, bits by enum engine_part */
    size_t code_cache;   /* 0: the engine's default */
    const char *code_store; /* a directory, or "off"; NULL: not said */
    uint32_t tier2_us;      /* how often the engine looks for hot code; 0: never */
    uint64_t timeout_ns; /* 0: none */
    const char *expect;
    const char *trace; /* categories */
    const char *trace_file;
    bool perf_map, stats, dry_run;
    bool gdb, gdb_wait; /* listen for a debugger; run nothing until it says so */
    uint16_t gdb_port;  /* 0: the host's choice */
    bool blueprint;     /* only to look at (armvm dt, armvm acpi): no back end is opened */
};

/* Defaults that fit the host. */
void vm_config_init(struct vm_config *config);
void vm_config_free(struct vm_config *config);

/* Parse what follows --disk and --net and append it. -EINVAL with one line. */
int vm_config_add_disk(struct vm_config *config, const char *spec, struct error *err);
/* The image to boot: it becomes the first disk. -EINVAL: there is one already, or no room. */
int vm_config_set_image(struct vm_config *config, const char *path, struct error *err);
int vm_config_add_net(struct vm_config *config, const char *spec, struct error *err);

/* "pci" or "mmio", said to an option. -EINVAL with one line. */
int vm_config_bus(const char *option, const char *value, enum vm_bus *bus, struct error *err);

/* What can be told to be wrong without opening anything: the command line does not make sense as a
 * whole. -EINVAL with one line. */
int vm_config_check(const struct vm_config *config, struct error *err);

/* The firmware to look for ("auto" or a file), or NULL: none, a kernel is started directly. */
const char *vm_config_firmware(const struct vm_config *config);

/* "PATH,key=value,flag": cuts the next item off *cursor in place (a doubled comma stands for
 * itself); *value is NULL for an item without '='. False at the end. */
bool vm_config_item(char **cursor, char **key, char **value);

#endif
