/* SPDX-License-Identifier: Apache-2.0 */
/* Ordering: a field read from a copy that is being rewritten was stored with release after the
 * version that retired this copy; so the acquiring read of the field makes the later read of the
 * version see that one too, and the look-up starts again. */
#include "machine/pci/routes.h"

#include <stddef.h>

static uint64_t get(const atomic_uint_least64_t *field)
{
    return atomic_load_explicit(field, memory_order_acquire);
}

static void copy_route(struct pci_route *to, const struct pci_route *from)
{
    atomic_store_explicit(&to->first, get(&from->first), memory_order_release);
    atomic_store_explicit(&to->last, get(&from->last), memory_order_release);
    atomic_store_explicit(&to->bar, atomic_load(&from->bar), memory_order_release);
}

void pci_routes_begin(struct pci_routes *routes, struct pci_routes_edit *edit)
{
    edit->routes = routes;
    edit->copy = ~atomic_load(&routes->version) & 1;
    edit->count = 0;
}

void pci_routes_add(struct pci_routes_edit *edit, uint64_t first, uint64_t last,
                    struct pci_bar *bar)
{
    struct pci_route *route = edit->routes->copy[edit->copy].route;
    unsigned at = edit->count;
    if (edit->count == PCI_ROUTES_MAX)
        return;
    while (at && get(&route[at - 1].first) > first)
        at--;
    if ((at < edit->count && get(&route[at].first) <= last) ||
        (at && get(&route[at - 1].last) >= first))
        return;
    for (unsigned i = edit->count++; i > at; i--)
        copy_route(&route[i], &route[i - 1]);
    atomic_store_explicit(&route[at].first, first, memory_order_release);
    atomic_store_explicit(&route[at].last, last, memory_order_release);
    atomic_store_explicit(&route[at].bar, bar, memory_order_release);
}

void pci_routes_publish(struct pci_routes_edit *edit)
{
    struct pci_routes *routes = edit->routes;
    atomic_store_explicit(&routes->copy[edit->copy].count, edit->count, memory_order_release);
    atomic_fetch_add(&routes->version, 1);
}

/* In one copy, which may be changing underneath: gives nonsense then, but no harm. */
static struct pci_bar *search(struct pci_routes *routes, unsigned copy, uint64_t address,
                              uint64_t *offset)
{
    const struct pci_route *route = routes->copy[copy].route;
    unsigned n = atomic_load_explicit(&routes->copy[copy].count, memory_order_acquire);
    if (!n)
        return NULL;
    while (n > 1) {
        unsigned half = n / 2;
        if (get(&route[half].first) <= address)
            route += half;
        n -= half;
    }
    uint64_t first = get(&route->first);
    if (address < first || address > get(&route->last))
        return NULL;
    *offset = address - first;
    return atomic_load_explicit(&route->bar, memory_order_acquire);
}

struct pci_bar *pci_routes_find(struct pci_routes *routes, uint64_t address, uint64_t *offset)
{
    for (;;) {
        unsigned version = atomic_load_explicit(&routes->version, memory_order_acquire);
        struct pci_bar *bar = search(routes, version & 1, address, offset);
        if (atomic_load_explicit(&routes->version, memory_order_relaxed) == version)
            return bar;
    }
}
