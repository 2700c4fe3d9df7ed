/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far the probe is, over resets: a variable. In case variables do not last, what is in it also
 * stands in a page of memory, which most machines leave as it is over a reset: without it the probe
 * would begin anew for ever.
 */
#include "arch.h"
#include "uefi/uefi.h"

static const struct guid own = PROBE_VENDOR;
static const efi_char name[] = u"ProbeState";

enum { MAGIC = 0x50524f42, TRACE_MAGIC = 0x54524143, PLACES = 16 << 20 };

/* In the middle of the largest free area, at a multiple that is the same on the next boot. */
static struct state *trace(void)
{
    u64 best = 0, at = 0;

    for (uptr i = 0; memory_at(i); i++) {
        const struct efi_memory *area = memory_at(i);
        if (area->type == MEMORY_CONVENTIONAL && area->pages > best) {
            best = area->pages;
            at = align_down(area->physical + area->pages / 2 * PAGE, PLACES);
        }
    }
    if (!at || efi.boot->allocate_pages(ALLOCATE_AT, MEMORY_LOADER_DATA, 1, &at))
        return NULL;
    return (struct state *)(uptr)at;
}

static struct state *page; /* NULL: there is no such place */

bool state_load(struct state *state, bool *lost)
{
    uptr size = sizeof(*state);
    u32 attributes;
    bool kept = !efi.runtime->get_variable(name, &own, &attributes, &size, state) &&
                size == sizeof(*state) && state->magic == MAGIC;

    page = trace();
    *lost = !kept && page && page->magic == TRACE_MAGIC;
    if (*lost)
        memcpy(state, page, sizeof(*state));
    else if (kept && page && page->magic == TRACE_MAGIC && page->boot == state->boot &&
             page->number > state->number)
        state->number = page->number; /* it knows of those after ExitBootServices */
    if (page)
        page->magic = 0;
    return kept || *lost;
}

efi_status state_save(const struct state *state)
{
    struct state copy = *state;

    if (page) {
        *page = copy;
        page->magic = TRACE_MAGIC;
        arch_clean(page, sizeof(*page));
    }
    copy.magic = MAGIC;
    return efi.runtime->set_variable(name, &own, VARIABLE_NV | VARIABLE_BS | VARIABLE_RT,
                                     sizeof(copy), &copy);
}

void state_number(u32 number, bool runtime)
{
    struct state state;
    uptr size = sizeof(state);
    u32 attributes;

    if (page) {
        page->number = number;
        arch_clean(page, sizeof(*page));
    }
    if (!runtime || efi.runtime->get_variable(name, &own, &attributes, &size, &state) ||
        size != sizeof(state))
        return;
    state.number = number;
    efi.runtime->set_variable(name, &own, attributes, size, &state);
}

void state_remove(void)
{
    if (page)
        page->magic = 0;
    efi.runtime->set_variable(name, &own, VARIABLE_NV | VARIABLE_BS | VARIABLE_RT, 0, NULL);
}
