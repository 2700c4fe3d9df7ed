/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PCI function: configuration space, base address registers, capabilities, INTx and MSI-X (PCI
 * Express Base Specification 7.5 and 7.7, "PCIe" below; PCI Local Bus 3.0, chapter 6). A function
 * is a private struct with struct pci_function first; it is given to a host bridge, which owns it.
 *
 * Locking, outermost first: the host bridge's configuration lock (all of config[], held around
 * accesses to configuration space and around ops->config_read, config_written, mastering), the
 * device's own lock, the function's lock (INTx and MSI-X state), the interrupt controller's.
 * Accesses to BARs come with no lock held, on any vCPU's thread, and may come just after the
 * function was moved or disabled.
 */
#ifndef ARMVM_MACHINE_PCI_PCI_H
#define ARMVM_MACHINE_PCI_PCI_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct mem;
struct pci_bus;
struct pci_function;
struct trace;

enum {
    PCI_CONFIG_SIZE = 256, /* the extended space above it holds no capability and reads 0 */
    PCI_BARS = 6,
    PCI_MSIX_MAX = 64, /* vectors a function */
};

/* Offsets into configuration space (PCIe 7.5.1). */
enum {
    PCI_VENDOR_ID = 0x00,
    PCI_DEVICE_ID = 0x02,
    PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06,
    PCI_REVISION_ID = 0x08,
    PCI_CLASS_CODE = 0x09,
    PCI_BAR0 = 0x10,
    PCI_SUBSYSTEM_VENDOR_ID = 0x2c,
    PCI_SUBSYSTEM_ID = 0x2e,
    PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c,
    PCI_INTERRUPT_PIN = 0x3d,
};

enum {
    PCI_COMMAND_IO = 1 << 0,
    PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2,
    PCI_COMMAND_INTX_DISABLE = 1 << 10,
};

/* The low bits of a BAR. */
enum { PCI_BAR_IO = 1, PCI_BAR_MEM64 = 4, PCI_BAR_PREFETCH = 8 };

enum { PCI_CAP_VENDOR = 0x09, PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11 };

/* size is 1, 2, 4 or 8; the access lies inside the BAR and is aligned. */
struct pci_bar_ops {
    uint64_t (*read)(struct pci_function *f, uint64_t offset, unsigned size);
    void (*write)(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value);
};

struct pci_bar {
    struct pci_function *function;
    const struct pci_bar_ops *ops; /* NULL: no such BAR */
    uint64_t size;
    unsigned flags; /* the register's low bits */
};

struct pci_function_ops {
    const char *name;
    /* To the state after power-on; configuration space already is. PEs stand still. Also called
     * once when the function gets its place. May be NULL. */
    void (*reset)(struct pci_function *f);
    void (*destroy)(struct pci_function *f);
    /* Bytes of config[] are about to be read; have been written. May be NULL. */
    void (*config_read)(struct pci_function *f, unsigned offset, unsigned size);
    void (*config_written)(struct pci_function *f, unsigned offset, unsigned size);
    /* Bus mastering was switched: without it a function must leave memory alone from the return
     * on. May be NULL. */
    void (*mastering)(struct pci_function *f, bool on);
};

struct pci_msix {
    unsigned vectors, bar; /* 0 vectors: none */
    unsigned cap;          /* offset of the capability; 0 while there is none */
    atomic_bool enabled;
    bool masked;
    uint64_t pending;
    struct {
        uint64_t address;
        uint32_t data, control;
    } entry[PCI_MSIX_MAX];
};

struct pci_function {
    const struct pci_function_ops *ops;
    struct pci_bus *bus; /* from here on set by the host bridge */
    uint8_t devfn;
    struct mem *mem; /* for DMA */
    const struct trace *trace;

    uint8_t config[PCI_CONFIG_SIZE];
    uint8_t writable[PCI_CONFIG_SIZE]; /* bits that software may write */
    uint8_t sticky[PCI_CONFIG_SIZE];   /* bits that writing 1 clears */
    uint8_t initial[PCI_CONFIG_SIZE];  /* config[] after power-on */
    unsigned next_capability, last_capability;
    struct pci_bar bar[PCI_BARS];

    pthread_mutex_t lock; /* all below */
    bool intx;            /* what the device wants */
    bool intx_driven;     /* what the line is told */
    bool intx_disabled, master;
    struct pci_msix msix;
};

struct pci_ids {
    uint16_t vendor, device, subsystem_vendor, subsystem;
    uint32_t class_code; /* base class 23:16, sub-class 15:8, interface 7:0 */
    uint8_t revision;
};

/* f is zeroed memory. */
void pci_init(struct pci_function *f, const struct pci_function_ops *ops,
              const struct pci_ids *ids);
/* For an ops->destroy. */
void pci_fini(struct pci_function *f);

/* Before the function gets its place. size: a power of two of 16 (I/O: 4) bytes or more. A 64-bit
 * BAR takes the register after it too. */
void pci_add_bar(struct pci_function *f, unsigned n, unsigned flags, uint64_t size,
                 const struct pci_bar_ops *ops);
/* Links a capability of `size` bytes, its header included; the rest is zero and read-only. Returns
 * its offset, or 0 when there is no room. */
unsigned pci_add_capability(struct pci_function *f, uint8_t id, unsigned size);
/* PCI Express capability of a root complex integrated endpoint. */
void pci_add_express(struct pci_function *f);
/* Interrupt pin INTA#. */
void pci_add_intx(struct pci_function *f);
/* MSI-X with its table and pending bits in a 4 KiB BAR of its own; takes effect only if the host
 * bridge has somewhere to send messages to. */
void pci_add_msix(struct pci_function *f, unsigned bar, unsigned vectors);

/* The device's INTx level. Masking, MSI-X and the sharing of lines are taken care of. */
void pci_set_intx(struct pci_function *f, bool level);
/* With MSI-X enabled INTx is off, and a device raises vectors instead. */
static inline bool pci_msix_enabled(const struct pci_function *f)
{
    return atomic_load_explicit(&f->msix.enabled, memory_order_relaxed);
}
/* Sends a vector's message, or keeps it pending while it is masked. A vector that does not exist
 * (VIRTIO_MSI_NO_VECTOR...) does nothing. */
void pci_msix_notify(struct pci_function *f, unsigned vector);

#endif
