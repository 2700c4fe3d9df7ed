/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration space of a function (PCIe 7.5.1): registers are bytes with masks that say what
 * software can change; what follows from a change is done after the bytes are stored. */
#include "machine/pci/pci_impl.h"

#include <string.h>

#include "base/bits.h"

enum {
    FIRST_CAPABILITY = 0x40,
    STATUS_INTERRUPT = 1 << 3,
    STATUS_CAPABILITIES = 1 << 4,
    EXPRESS_BYTES = 0x3c,
};

void pci_init(struct pci_function *f, const struct pci_function_ops *ops, const struct pci_ids *ids)
{
    f->ops = ops;
    pthread_mutex_init(&f->lock, NULL);
    st_le(f->config + PCI_VENDOR_ID, 2, ids->vendor);
    st_le(f->config + PCI_DEVICE_ID, 2, ids->device);
    f->config[PCI_REVISION_ID] = ids->revision;
    st_le(f->config + PCI_CLASS_CODE, 3, ids->class_code);
    st_le(f->config + PCI_SUBSYSTEM_VENDOR_ID, 2, ids->subsystem_vendor);
    st_le(f->config + PCI_SUBSYSTEM_ID, 2, ids->subsystem);
    st_le(f->writable + PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_INTX_DISABLE);
    f->writable[PCI_INTERRUPT_LINE] = 0xff;
    f->next_capability = FIRST_CAPABILITY;
}

void pci_fini(struct pci_function *f)
{
    pthread_mutex_destroy(&f->lock);
}

void pci_add_bar(struct pci_function *f, unsigned n, unsigned flags, uint64_t size,
                 const struct pci_bar_ops *ops)
{
    unsigned at = PCI_BAR0 + 4 * n, width = flags & PCI_BAR_MEM64 && !(flags & PCI_BAR_IO) ? 8 : 4;
    f->bar[n] = (struct pci_bar){.function = f, .ops = ops, .size = size, .flags = flags};
    st_le(f->config + at, width, flags);
    st_le(f->writable + at, width, ~(size - 1));
    f->writable[PCI_COMMAND] |= flags & PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
}

unsigned pci_add_capability(struct pci_function *f, uint8_t id, unsigned size)
{
    unsigned at = f->next_capability;
    if (size > PCI_CONFIG_SIZE - at)
        return 0;
    f->config[at] = id;
    f->config[f->last_capability ? f->last_capability + 1 : PCI_CAPABILITIES] = (uint8_t)at;
    f->config[PCI_STATUS] |= STATUS_CAPABILITIES;
    f->last_capability = at;
    f->next_capability = (unsigned)align_up(at + size, 4);
    return at;
}

/* PCIe 7.5.3. There is no link, slot or root port behind it: those registers are 0. */
void pci_add_express(struct pci_function *f)
{
    enum {
        CAPABILITIES = 2,
        DEVICE_CAPABILITIES = 4,
        DEVICE_CONTROL = 8,
        VERSION_2 = 2,
        INTEGRATED_ENDPOINT = 9 << 4,
        ROLE_BASED_ERRORS = 1 << 15,
        RELAXED_ORDERING = 1 << 4,
        READ_512_BYTES = 2 << 12,
        CONTROL_WRITABLE = 0x781f, /* error reporting, relaxed ordering, no snoop, read size */
    };
    unsigned at = pci_add_capability(f, PCI_CAP_EXPRESS, EXPRESS_BYTES);
    if (!at)
        return;
    st_le(f->config + at + CAPABILITIES, 2, VERSION_2 | INTEGRATED_ENDPOINT);
    st_le(f->config + at + DEVICE_CAPABILITIES, 4, ROLE_BASED_ERRORS);
    st_le(f->config + at + DEVICE_CONTROL, 2, RELAXED_ORDERING | READ_512_BYTES);
    st_le(f->writable + at + DEVICE_CONTROL, 2, CONTROL_WRITABLE);
}

void pci_add_intx(struct pci_function *f)
{
    f->config[PCI_INTERRUPT_PIN] = 1;
}

/* --- life ------------------------------------------------------------------------------------*/

void pci_attach(struct pci_function *f, struct pci_bus *bus, unsigned devfn, struct mem *mem,
                const struct trace *trace)
{
    f->bus = bus;
    f->devfn = (uint8_t)devfn;
    f->mem = mem;
    f->trace = trace;
    pci_msix_install(f);
    memcpy(f->initial, f->config, PCI_CONFIG_SIZE);
    pci_reset(f);
}

void pci_reset(struct pci_function *f)
{
    memcpy(f->config, f->initial, PCI_CONFIG_SIZE);
    pthread_mutex_lock(&f->lock);
    f->intx = f->intx_disabled = f->master = false;
    pci_msix_reset(f);
    pci_update_intx_locked(f);
    pthread_mutex_unlock(&f->lock);
    if (f->ops->mastering)
        f->ops->mastering(f, false);
    if (f->ops->reset)
        f->ops->reset(f);
}

/* --- INTx ------------------------------------------------------------------------------------*/

void pci_update_intx_locked(struct pci_function *f)
{
    unsigned pin = f->initial[PCI_INTERRUPT_PIN];
    bool level = f->intx && pin && !f->intx_disabled && !pci_msix_enabled(f);
    if (level == f->intx_driven)
        return;
    f->intx_driven = level;
    f->bus->intx(f->bus, f->devfn >> 3, pin - 1, level);
}

void pci_set_intx(struct pci_function *f, bool level)
{
    pthread_mutex_lock(&f->lock);
    f->intx = level;
    pci_update_intx_locked(f);
    pthread_mutex_unlock(&f->lock);
}

/* --- accesses --------------------------------------------------------------------------------*/

bool pci_bar_address(const struct pci_function *f, unsigned n, uint64_t *address)
{
    const struct pci_bar *bar = &f->bar[n];
    uint16_t command = (uint16_t)ld_le(f->config + PCI_COMMAND, 2);
    bool io = bar->flags & PCI_BAR_IO;
    if (!bar->ops || !(command & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
        return false;
    *address = ld_le(f->config + PCI_BAR0 + 4 * n, bar->flags & PCI_BAR_MEM64 && !io ? 8 : 4) &
               ~(bar->size - 1);
    return true;
}

uint32_t pci_config_read(struct pci_function *f, unsigned offset, unsigned size)
{
    if (offset >= PCI_CONFIG_SIZE)
        return 0;
    if (f->ops->config_read)
        f->ops->config_read(f, offset, size);
    uint32_t value = (uint32_t)ld_le(f->config + offset, size);
    if (offset <= PCI_STATUS && offset + size > PCI_STATUS) {
        pthread_mutex_lock(&f->lock);
        bool up = f->intx && !pci_msix_enabled(f);
        pthread_mutex_unlock(&f->lock);
        if (up)
            value |= (uint32_t)STATUS_INTERRUPT << (8 * (PCI_STATUS - offset));
    }
    return value;
}

static void command_written(struct pci_function *f)
{
    uint16_t command = (uint16_t)ld_le(f->config + PCI_COMMAND, 2);
    bool master = command & PCI_COMMAND_MASTER;
    pthread_mutex_lock(&f->lock);
    bool switched = master != f->master;
    f->master = master;
    f->intx_disabled = command & PCI_COMMAND_INTX_DISABLE;
    pci_update_intx_locked(f);
    pci_msix_flush_locked(f);
    pthread_mutex_unlock(&f->lock);
    if (switched && f->ops->mastering)
        f->ops->mastering(f, master);
}

void pci_config_write(struct pci_function *f, unsigned offset, unsigned size, uint32_t value)
{
    uint8_t routing[PCI_BAR0 + 4 * PCI_BARS];
    if (offset >= PCI_CONFIG_SIZE)
        return;
    memcpy(routing, f->config, sizeof(routing));
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(value >> (8 * i)), *to = &f->config[offset + i];
        uint8_t mask = f->writable[offset + i];
        *to = (uint8_t)((*to & ~mask) | (byte & mask));
        *to &= (uint8_t) ~(byte & f->sticky[offset + i]);
    }
    if (memcmp(routing, f->config, sizeof(routing)) != 0) {
        f->bus->reroute(f->bus);
        command_written(f);
    }
    pci_msix_control_written(f);
    if (f->ops->config_written)
        f->ops->config_written(f, offset, size);
}
