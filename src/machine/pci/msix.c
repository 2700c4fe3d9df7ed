/* SPDX-License-Identifier: Apache-2.0 */
/* MSI-X (PCIe 7.7.2, 6.1.4): the capability, and the table and pending bits in a BAR of their own.
 * A message is sent under the function's lock, so that none comes after a mask was written. */
#include "machine/pci/pci_impl.h"

#include <string.h>

#include "base/bits.h"

enum {
    CAP_BYTES = 12,
    MESSAGE_CONTROL = 2,
    TABLE_OFFSET = 4,
    PBA_OFFSET = 8,
    CONTROL_MASK = 1 << 14,
    CONTROL_ENABLE = 1 << 15,
};

/* The BAR: entries of address, upper address, data, vector control; pending bits after them. */
enum {
    BAR_BYTES = 0x1000,
    ENTRY_BYTES = 16,
    TABLE_BYTES = PCI_MSIX_MAX * ENTRY_BYTES,
    PBA = 0x800
};

enum { ENTRY_ADDRESS = 0, ENTRY_ADDRESS_HIGH = 4, ENTRY_DATA = 8, ENTRY_CONTROL = 12 };
enum { VECTOR_MASKED = 1 };

static void send(struct pci_function *f, unsigned vector)
{
    const struct msi_sink *msi = &f->bus->msi;
    msi->send(msi->ctx, (uint32_t)f->bus->number << 8 | f->devfn, f->msix.entry[vector].address,
              f->msix.entry[vector].data);
}

static bool may_send(const struct pci_function *f, unsigned vector)
{
    return pci_msix_enabled(f) && f->master && !f->msix.masked &&
           !(f->msix.entry[vector].control & VECTOR_MASKED);
}

void pci_msix_flush_locked(struct pci_function *f)
{
    for (uint64_t left = f->msix.pending; left; left &= left - 1) {
        unsigned vector = (unsigned)__builtin_ctzll(left);
        if (!may_send(f, vector))
            continue;
        f->msix.pending &= ~(1ull << vector);
        send(f, vector);
    }
}

void pci_msix_notify(struct pci_function *f, unsigned vector)
{
    pthread_mutex_lock(&f->lock);
    if (vector < f->msix.vectors && pci_msix_enabled(f)) {
        if (may_send(f, vector))
            send(f, vector);
        else
            f->msix.pending |= 1ull << vector;
    }
    pthread_mutex_unlock(&f->lock);
}

/* --- the table -------------------------------------------------------------------------------*/

static uint32_t read_word(const struct pci_function *f, unsigned vector, unsigned word)
{
    switch (word) {
    case ENTRY_ADDRESS:
        return (uint32_t)f->msix.entry[vector].address;
    case ENTRY_ADDRESS_HIGH:
        return (uint32_t)(f->msix.entry[vector].address >> 32);
    case ENTRY_DATA:
        return f->msix.entry[vector].data;
    default:
        return f->msix.entry[vector].control;
    }
}

static void write_word(struct pci_function *f, unsigned vector, unsigned word, uint32_t value)
{
    uint64_t *address = &f->msix.entry[vector].address;
    switch (word) {
    case ENTRY_ADDRESS:
        *address = (*address & ~0xffffffffull) | (value & ~3u);
        break;
    case ENTRY_ADDRESS_HIGH:
        *address = (*address & 0xffffffff) | (uint64_t)value << 32;
        break;
    case ENTRY_DATA:
        f->msix.entry[vector].data = value;
        break;
    default:
        f->msix.entry[vector].control = value & VECTOR_MASKED;
    }
}

/* Words and double words only (6.1.4.2). */
static uint64_t table_read(struct pci_function *f, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    if (size < 4)
        return 0;
    pthread_mutex_lock(&f->lock);
    for (unsigned at = 0; at < size; at += 4) {
        unsigned vector = (unsigned)((offset + at) / ENTRY_BYTES);
        if (vector < f->msix.vectors)
            value |= (uint64_t)read_word(f, vector, (offset + at) % ENTRY_BYTES) << (8 * at);
        else if (offset + at == PBA || offset + at == PBA + 4)
            value |= (f->msix.pending >> (8 * (offset + at - PBA)) & 0xffffffff) << (8 * at);
    }
    pthread_mutex_unlock(&f->lock);
    return value;
}

static void table_write(struct pci_function *f, uint64_t offset, unsigned size, uint64_t value)
{
    if (size < 4 || offset >= TABLE_BYTES)
        return;
    pthread_mutex_lock(&f->lock);
    for (unsigned at = 0; at < size; at += 4) {
        unsigned vector = (unsigned)((offset + at) / ENTRY_BYTES);
        if (vector < f->msix.vectors)
            write_word(f, vector, (offset + at) % ENTRY_BYTES, (uint32_t)(value >> (8 * at)));
    }
    pci_msix_flush_locked(f);
    pthread_mutex_unlock(&f->lock);
}

static const struct pci_bar_ops table_ops = {table_read, table_write};

/* --- the capability --------------------------------------------------------------------------*/

void pci_add_msix(struct pci_function *f, unsigned bar, unsigned vectors)
{
    f->msix.bar = bar;
    f->msix.vectors = vectors < PCI_MSIX_MAX ? vectors : PCI_MSIX_MAX;
}

void pci_msix_install(struct pci_function *f)
{
    unsigned at = 0;
    if (f->msix.vectors && f->bus->msi.send)
        at = pci_add_capability(f, PCI_CAP_MSIX, CAP_BYTES);
    f->msix.cap = at;
    if (!at) {
        f->msix.vectors = 0;
        return;
    }
    pci_add_bar(f, f->msix.bar, 0, BAR_BYTES, &table_ops);
    st_le(f->config + at + MESSAGE_CONTROL, 2, f->msix.vectors - 1);
    st_le(f->config + at + TABLE_OFFSET, 4, f->msix.bar);
    st_le(f->config + at + PBA_OFFSET, 4, PBA | f->msix.bar);
    st_le(f->writable + at + MESSAGE_CONTROL, 2, CONTROL_MASK | CONTROL_ENABLE);
}

void pci_msix_reset(struct pci_function *f)
{
    atomic_store(&f->msix.enabled, false);
    f->msix.masked = false;
    f->msix.pending = 0;
    memset(f->msix.entry, 0, sizeof(f->msix.entry));
    for (unsigned i = 0; i < f->msix.vectors; i++)
        f->msix.entry[i].control = VECTOR_MASKED;
}

void pci_msix_control_written(struct pci_function *f)
{
    if (!f->msix.cap)
        return;
    uint16_t control = (uint16_t)ld_le(f->config + f->msix.cap + MESSAGE_CONTROL, 2);
    pthread_mutex_lock(&f->lock);
    atomic_store(&f->msix.enabled, (control & CONTROL_ENABLE) != 0);
    f->msix.masked = control & CONTROL_MASK;
    if (!(control & CONTROL_ENABLE))
        f->msix.pending = 0;
    pci_update_intx_locked(f);
    pci_msix_flush_locked(f);
    pthread_mutex_unlock(&f->lock);
}
