/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The x86-64 back end: IR to host code. Knows nothing of the guest's architecture: CPU state is a
 * layout of offsets, helpers are table entries.
 *
 * Conventions of running code
 *   rbp   CPU state + 128 (so that the 32 general registers have 8-bit displacements)
 *   r15   base of the data TLB (layout.tlb, loaded on entry)
 *   pins  hot general registers live in host registers for as long as translated code runs
 *   rest  scratch, dead at region boundaries
 * At a region's entry pc_page holds the page's virtual address; NZCV is in CPU state.
 * Whoever jumps through a page's entry table leaves the target's virtual address in rax: an entry
 * without a translation holds thunks.miss, which stores rax as pc and calls lookup().
 */
#ifndef ARMVM_ENGINE_X64_X64_H
#define ARMVM_ENGINE_X64_X64_H

#include <stddef.h>
#include <stdint.h>

#include "engine/ir/ir.h"

struct error;
struct x64;

/* What the emitter may use; each level includes the ones below. */
enum x64_level { X64_V2, X64_V3, X64_V4 };

struct x64_host {
    enum x64_level level;
    bool aes, pclmul, sha, vaes, gfni, fma, f16c; /* beyond the level; v3 implies fma and f16c */
    bool adx, fsrm, vnni;
};

/* Probes the CPU. limit caps the level (X64_V4 for all there is); what is above it is hidden. */
void x64_probe(enum x64_level limit, struct x64_host *host);

/* What the code generator may be asked to leave out, so that tests can tell what each is for. */
enum {
    X64_NO_FUSE = 1,     /* one host instruction for two operations */
    X64_NO_LAZY = 2,     /* values that only their user computes */
    X64_NO_SHARE = 4,    /* one check for several accesses */
    X64_NO_HINT = 8,     /* results computed right in the pinned register they go to */
    X64_NO_SLOTS = 16,   /* loops that remember pages */
    X64_NO_RETURNS = 32, /* the stack of return addresses */
};

/* What the engine lends to thunks (called on the vCPU thread, on the host stack, all pins saved).
 */
struct x64_callbacks {
    /* Finds or makes the translation for guest address va in the current context and returns its
     * entry, or NULL when the thread must leave instead (attention, exception: pc is set). */
    void *(*lookup)(void *cpu, uint64_t va);
    /* As lookup for an in-page or cross-page direct branch that has not been linked yet: may patch
     * the link (x64_link_set) before it returns the entry. */
    void *(*link)(void *cpu, uint64_t va, uint32_t link);
};

struct x64_config {
    struct x64_host host;
    const struct ir_layout *layout;
    const struct ir_runtime *runtime;
    const struct ir_helper *helpers;
    unsigned nhelpers;
    struct x64_callbacks callbacks;
    bool fp_default;  /* reserved */
    unsigned without; /* X64_NO_* */
    bool whole_pairs; /* pairs of registers move by one instruction, and other CPUs see them so */
    uint8_t *rw, *rx; /* code memory for the thunks: the same bytes, writable and executable view */
    size_t room;
};

/* Makes an instance and writes its thunks (a few KiB) to the start of the given room; *used says
 * how much. All code ever compiled by it must lie within 2 GiB of the thunks. */
int x64_create(const struct x64_config *config, struct x64 **x64, size_t *used, struct error *err);
void x64_destroy(struct x64 *x64);

struct x64_thunks {
    int (*enter)(void *cpu, void *entry); /* runs translated code until it leaves; pc is then set */
    void *miss;                           /* for empty entries of page tables */
};
const struct x64_thunks *x64_thunks(const struct x64 *x64);

/*
 * A direct branch out of a region. It starts unlinked: taking it calls callbacks.link with the
 * target's address and the link's index. In-page links may be patched whenever the target has a
 * translation, as long as both belong to the same page and translation of it. Cross-page links
 * carry their guard: the itlb entry of the target's page must hit and have page_id.
 */
struct x64_link {
    int32_t pgoff;  /* target, from the start of the region's page; outside 0..4095: cross-page */
    uint32_t jump;  /* offset in the region's code of the aligned rel32 to patch */
    uint32_t guard; /* cross-page: offset of the aligned imm32 page_id; 0: in-page */
    bool careful;   /* in-page: to code that was made for this link alone, with ir->careful */
};

enum { X64_MAX_LINKS = 256, X64_MAX_FARS = 1024 };

/* A jump that takes the place of a block's beginning has this length: no other block begins before
 * its end. */
enum { X64_JUMP = 5 };

struct x64_code {
    size_t size; /* bytes written */
    struct x64_link link[X64_MAX_LINKS];
    unsigned links;
    const uint32_t
        *block; /* where each block begins, UINT32_MAX: nowhere; valid until the next call */
    /* For moving it: where the numbers of its links stand, and the fields that refer to thunks. */
    uint32_t number[X64_MAX_LINKS];
    uint32_t far[X64_MAX_FARS];
    unsigned fars; /* more than X64_MAX_FARS: it cannot be moved */
};

/* Compiles a verified, optimised region (ir_count_uses done) to rw/rx. first_link numbers its links
 * (link i of the result is known to callbacks.link as first_link + i). -ENOSPC: room too small;
 * -E2BIG: the region wants more spill slots than there are (no front end's does): cut it shorter.
 * One call at a time for an instance. */
int x64_compile(struct x64 *x64, const struct ir *ir, uint8_t *rw, uint8_t *rx, size_t room,
                uint32_t first_link, struct x64_code *code);

/* Points a link at a translation, while other threads may run it. A link is set once; page_id is
 * ignored for in-page links. rw_code/rx_code: where the region's code is. */
void x64_link_set(const struct x64_link *link, uint8_t *rw_code, const uint8_t *rx_code,
                  const void *target, uint32_t page_id);

/*
 * Moving code. A detached copy depends on no address and no link number, and on nothing else but
 * the program that made it, struct x64_host, and the layouts and tables of struct x64_config: any
 * instance of the same, in another process too, can attach it.
 */

/* Copies what x64_compile has made to `to`, detached: rw and rx are where it was compiled to, and
 * no link of it has been set since. False: this code cannot be moved. */
bool x64_detach(const struct x64 *x64, const struct x64_code *code, const uint8_t *rw,
                const uint8_t *rx, uint8_t *to);

/* Makes the detached code at rw (rx aligned to 16) run there. Of code: size, link, links, number,
 * far and fars as x64_compile left them. False: they make no sense together, whatever they hold. */
bool x64_attach(const struct x64 *x64, const struct x64_code *code, uint8_t *rw, const uint8_t *rx,
                uint32_t first_link);

#endif
