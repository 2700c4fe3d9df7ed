/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run-time system of the translating engine (and of the interpreter, which shares all of it
 * but the host code).
 *
 *   engine.c   the engine's interface to the machine: create, start, pause, reset
 *   loop.c     a vCPU's thread: attention, interrupts, sleeping, entering translated code
 *   cache.c    guest pages and their translations, look-up, invalidation
 *   host_code.c  arenas, emitting and linking host code (no_host.c where there is no emitter)
 *   code_store.c  translations that outlive the process
 *   context.c  TLB contexts, TLB maintenance
 *   mail.c     requests between vCPUs
 *   wfe.c      waiting for events
 *   trim.c     memory given back while the guest idles
 *   hot.c      looks for hot code;  tier2.c  makes superblocks of it, in a thread of its own
 *   access.c   slow paths of loads and stores;  atomic.c  those of atomics and exclusives
 *   bulk.c     memory copied and set in bulk
 *
 * Locks, all leaves: cache.lock (page map and code memory; also while everything is flushed or
 * reset), vcpu.mail.lock, engine.lock (run states), tier2.lock (its queue), the store's. None is
 * held while guest code runs, while another is taken, or while jit_exclusive's function runs alone.
 */
#ifndef ARMVM_ENGINE_JIT_JIT_H
#define ARMVM_ENGINE_JIT_JIT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm/cpu.h"
#include "arm/mmu.h"
#include "base/map.h"
#include "engine/engine.h"
#include "engine/front/front.h"
#include "engine/ir/ir.h"
#include "engine/x64/x64.h"
#include "host/codemem.h"

struct mem_slot;
struct store;

enum {
    JIT_PAGE_SLOTS = IR_PAGE_SIZE / 4, /* entry points of a page */
    JIT_CONTEXTS = 16,                 /* TLB contexts a vCPU keeps */
    JIT_TLB_MIN = 512,                 /* entries of a data TLB: grows where it pays */
    JIT_TLB_MAX = 32768,
    JIT_ITLB_MIN = 512, /* of an instruction TLB: grows as well */
    JIT_ITLB_MAX = 8192,
    JIT_ARENA = 64 << 10, /* code memory is handed to vCPUs in pieces of this size */
    JIT_SEARCHED = 32,
    JIT_MAIL = 64, /* requests a mailbox holds before it says "flush all" */
};

/* --- translations (cache.c) -------------------------------------------------------------------*/

/* One physical page's translations in one mode. */
struct jit_page {
    void *table[JIT_PAGE_SLOTS];  /* entry points; host code, or struct ir * when interpreting */
    uint8_t pads[JIT_PAGE_SLOTS]; /* see ir_itlb_entry: where branches have landed, bit BTYPE */
    uint64_t pa;
    uint32_t mode;     /* FRONT_* as far as code depends on them */
    uint32_t id;       /* unique, never 0, never reused between flushes */
    _Atomic bool dead; /* invalidated: not to be linked to or entered any more */
    /* Heads of superblocks that were made, are wanted or were refused: bits by pgoff / 4. */
    _Atomic uint64_t done[JIT_PAGE_SLOTS / 64];
    struct jit_page *next; /* other modes of the same page; or the list of dead pages */
};

_Static_assert(offsetof(struct jit_page, pads) == IR_PADS, "running code looks at pads");

/* A link of a region, by the number that its stub passes to jit_link. */
struct jit_link {
    struct x64_link link;
    uint32_t code;    /* offset of the region in code memory */
    uint32_t page_id; /* page that holds the branch */
    _Atomic uint32_t set;
};

enum { JIT_LINK_CHUNK = 4096, JIT_LINK_CHUNKS = 4096 };

struct jit_cache {
    pthread_mutex_t lock;
    struct codemem code;
    size_t used;      /* bytes of code memory (or IR) handed out */
    size_t base;      /* thunks end here: what a flush goes back to */
    struct map pages; /* pa -> struct jit_page list */
    struct jit_page *dead;
    unsigned dead_count, page_count;
    unsigned max_pages; /* with translations, before a flush */
    uint32_t next_id;
    void *empty; /* what an entry point without translation holds */
    struct jit_link *links[JIT_LINK_CHUNKS];
    uint32_t link_chunks;
    _Atomic bool full; /* somebody needs a flush */
    uint64_t flushes, invalidations;
    /* One bit for each page of RAM that may have translations, slot after slot. */
    _Atomic uint64_t **code_bits;
    unsigned slots;
};

/* What makes host code: each vCPU has one, and so has the thread of tier 2. */
struct jit_maker {
    struct engine *engine;
    struct x64 *x64;
    struct x64_code *code;        /* what it last compiled */
    uint8_t *arena, *arena_end;   /* rw view of the piece of code memory being filled */
    uint32_t link_next, link_end; /* link numbers at its disposal */
    uint64_t stat_bytes;          /* of host code made */
};

/* --- translations of earlier runs (code_store.c) ----------------------------------------------*/

/* An arena's worth of code, and what belongs to it. */
enum { JIT_RECORD = 2 * JIT_ARENA };

/* An entry point of a region besides its beginning. */
struct jit_start {
    uint32_t pgoff, offset; /* of the instruction in its page, of its code in the region's */
};

/* A region of the store, as found: its parts lie in vcpu->record. */
struct jit_recalled {
    const uint8_t *code; /* detached; vcpu->maker.code has the rest of it */
    struct jit_start start[64];
    unsigned starts, insns;
    uint32_t first, last; /* covering range of page offsets, last exclusive */
};

/* --- contexts (context.c) ---------------------------------------------------------------------*/

/* attr of a data TLB entry; an instruction TLB entry's attr is just the size's log2. */
enum { JIT_TLB_GLOBAL = 1, JIT_TLB_SIZE_SHIFT = 8 };

/* Pages of 4 KiB in the smallest unit above a page that one TLB maintenance operation covers. */
enum { JIT_SMALLEST_BLOCK = 4 };

struct jit_context {
    bool valid;
    uint16_t asid;
    uint8_t el;
    uint32_t mode; /* FRONT_*, all of them: part of the key */
    /* Where entries may have been filled from blocks: a filter by 2 MiB for blocks up to that
     * size, bounds for larger ones. */
    uint64_t blocks[4];
    uint64_t huge_first, huge_last;
    bool low_global; /* has, or had, global entries with address bit 55 clear */
    /* 2 MiB that were searched for blocks with nothing left: all entries [0], global ones [1]. The
     * kernel unmaps the same few pages again and again (fixmap, while it patches itself). */
    uint64_t searched[2][JIT_SEARCHED];
    uint64_t used;            /* for replacing the least recently used */
    struct ir_tlb_entry *tlb; /* NULL, and so is itlb: has no TLBs, is not valid */
    struct ir_itlb_entry *itlb;
    uint32_t entries, code_entries; /* of tlb and itlb, powers of two */
    uint32_t fills, code_fills;     /* of each since it was emptied */
    bool crowded, code_crowded;     /* wants to be larger at the next look at contexts */
};

/* --- idling (trim.c) --------------------------------------------------------------------------*/

/* How a vCPU spends its time. It alone writes. */
struct jit_idle {
    uint64_t woke, slept; /* when its last sleep ended, when it began */
    uint64_t busy_ns;     /* time awake, less what idling allows */
    _Atomic uint64_t quiet_since;
};

/* --- vCPUs ------------------------------------------------------------------------------------*/

enum jit_sleep { JIT_AWAKE, JIT_WFI, JIT_WFE };

struct jit_mail {
    pthread_mutex_t lock;
    struct arm_tlbi tlbi[JIT_MAIL];
    unsigned count;
    bool flush_all;  /* too many requests: drop everything */
    bool flush_code; /* a page of code died: drop instruction TLBs and return stacks */
    _Atomic uint32_t posted, done; /* sequence numbers; done follows posted */
};

struct jit_vcpu {
    struct arm_cpu cpu; /* first: running code's pointer is a pointer to this */
    struct engine *engine;
    pthread_t thread;
    bool started;

    struct jit_context context[JIT_CONTEXTS];
    struct jit_context *current;
    struct jit_context *user;    /* what jit_user_context last found */
    struct ir_tlb_entry no_user; /* cpu.utlb while there is none: never hits */
    uint64_t clock;              /* for LRU of contexts */
    bool context_dirty;          /* recompute mode and context before running on */
    uint64_t regime[3];          /* SCTLR, TCR, MAIR that the TLBs were filled under */

    struct ir *ir;          /* for translating */
    bool interpret_ir;      /* run it as it is: it could not be emitted, or is being recorded */
    struct jit_maker maker; /* of host code */
    uint8_t *record;        /* one of the store's records */
    uint64_t record_key;    /* of the region being translated */
    struct jit_hot *hot;    /* NULL: nobody looks for hot code */

    _Atomic uint32_t sleep;  /* enum jit_sleep; a reset may come while the thread rests */
    uint64_t wake_deadline;  /* of WFI and WFE with a time limit */
    _Atomic uint32_t wake;   /* futex word, counts kicks */
    _Atomic uint32_t asleep; /* somebody must wake the futex */
    struct jit_idle idle;
    struct jit_mail mail;
    _Atomic uint32_t running; /* 1 while it may use its TLBs: mail must be acknowledged */
    bool in_guest;            /* under engine.lock: counts in engine.guests */
    bool step;                /* debugger wants one instruction */
    bool debug_stop;          /* stands still for the debugger */
    bool broadcast;           /* TLBI or IC was posted to others since the last DSB */
    bool rom_switched;        /* its access switched a ROM device's mode */

    uint64_t accessed; /* by the last access that was not inline */
    uint64_t stat_regions, stat_insns, stat_tlb_fills, stat_itlb_fills, stat_enters;
    uint64_t stat_io, stat_interrupts, stat_switches, stat_slow;
    uint64_t stat_recalled, stat_recalled_insns;
};

struct engine {
    struct engine_config config;
    struct jit_cache cache;
    struct store *store;     /* NULL: none */
    struct jit_tier2 *tier2; /* NULL: none */
    unsigned cpus;
    struct jit_vcpu *vcpu[128];
    bool translate; /* else the interpreter */
    bool threads_started;
    /* How long all must be quiet before memory is given back. Changes while no vCPU runs. */
    _Atomic uint64_t trim_after_ns;
    uint64_t trims;

    pthread_mutex_t lock;
    pthread_cond_t changed;    /* guests, pauses or quit changed */
    unsigned guests;           /* vCPUs between begin_guest and end_guest */
    unsigned pauses;           /* nested engine_pause */
    struct jit_vcpu *stepping; /* the only one that may run */
    bool exclusive;            /* a vCPU is doing work that needs all others out of guest code */
    _Atomic bool quit;

    uint64_t breakpoint[64]; /* debugger's */
    unsigned breakpoints;
    struct {
        uint64_t va, len;
        unsigned access;
    } watchpoint[16];
    unsigned watchpoints;
    void (*debug_event)(void *ctx, const struct engine_debug_event *event);
    void *debug_ctx;
    FILE *perf_map;
};

static inline struct jit_vcpu *jit_vcpu(void *cpu)
{
    return cpu; /* struct arm_cpu is the first member */
}

/* cache.c */
int jit_cache_init(struct engine *engine, struct error *err);
void jit_cache_destroy(struct engine *engine);
/* Entry point for va in the current context, translating if need be; NULL to leave (pc is set). */
void *jit_lookup(void *cpu, uint64_t va);
/* Code for va that checks each access by itself, as a link asks for it: same page, same context. */
void *jit_lookup_careful(struct jit_vcpu *vcpu, uint64_t va);
/* The page that va is in, through the instruction TLB; NULL: an exception was taken. */
struct jit_page *jit_find_page(struct jit_vcpu *vcpu, uint64_t va);
/* The same for *va where a branch has led: its tag goes, and the branch may have to land somewhere
 * else; pc_page is set. */
struct jit_page *jit_land(struct jit_vcpu *vcpu, uint64_t *va);
/* The live page for pa in a mode, or NULL. */
struct jit_page *jit_page_there(struct engine *engine, uint64_t pa, uint32_t mode);
/* Translates and optimises, as config.without has it. */
void jit_to_ir(const struct engine *engine, struct front_region *region, struct ir *ir);

static inline void jit_set_entry(struct jit_page *page, uint32_t pgoff, void *entry)
{
    __atomic_store_n(&page->table[pgoff / 4], entry, __ATOMIC_RELEASE);
}

/* Forgets translations of [pa, pa + len); true if there were any (vCPUs must be told). */
bool jit_cache_invalidate(struct engine *engine, uint64_t pa, uint64_t len);
void jit_cache_invalidate_all(struct engine *engine);
/* Forgets everything; no vCPU is in guest code. */
void jit_cache_flush(struct engine *engine);

/* host_code.c */
int jit_maker_create(struct engine *engine, struct jit_maker *maker, struct error *err);
void jit_maker_destroy(struct jit_maker *maker);
/* Code memory starts anew. */
void jit_maker_reset(struct jit_maker *maker);
/* Puts detached code into code memory, as the page's; NULL: no room, or a flush has been asked for.
 * One thread at a time for a maker, and not while there may be a flush. */
uint8_t *jit_host_place(struct jit_maker *maker, const struct jit_page *page,
                        const struct x64_code *code, const uint8_t *bytes);
int jit_host_create(struct jit_vcpu *vcpu, struct error *err);
void jit_host_destroy(struct jit_vcpu *vcpu);
/* Host code for what is in vcpu->ir, entered at the region's start; NULL: no room, or a flush has
 * been asked for. Its blocks become entry points too. */
void *jit_host_emit(struct jit_vcpu *vcpu, struct jit_page *page,
                    const struct front_region *region);
/* The same from the store, for the region at pgoff; NULL: it has none that fits, or no room. */
void *jit_host_recall(struct jit_vcpu *vcpu, struct jit_page *page, uint32_t mode,
                      const uint8_t *bytes, uint32_t pgoff, struct jit_recalled *found);
/* Runs host code until it leaves; pc is then set. */
void jit_host_enter(struct jit_vcpu *vcpu, void *entry);

/* code_store.c */
struct x64_host;
/* Opens the store that config.code_store names, if any; when that is not possible, it says so and
 * there is none. */
void jit_store_open(struct engine *engine, const struct x64_host *host);
/* Looks for the region at pgoff of the page with these bytes, and sets vcpu->record_key. */
bool jit_store_find(struct jit_vcpu *vcpu, uint32_t mode, const uint8_t *bytes, uint32_t pgoff,
                    struct jit_recalled *found);
/* Keeps what was just compiled (vcpu->maker.code, at rw and rx, unlinked as yet). */
void jit_store_keep(struct jit_vcpu *vcpu, const struct front_region *region,
                    const struct jit_start *start, unsigned starts, const uint8_t *rw,
                    const uint8_t *rx);

/* context.c */
int jit_contexts_init(struct jit_vcpu *vcpu);
void jit_contexts_destroy(struct jit_vcpu *vcpu);
/* Makes mode, TLBs and NULLed caches agree with the PE's registers. */
void jit_context_sync(struct jit_vcpu *vcpu);
/* Empties all contexts and frees what they need not keep. The vCPU is not in guest. */
void jit_contexts_trim(struct jit_vcpu *vcpu);
void jit_tlb_flush_all(struct jit_vcpu *vcpu);
void jit_itlb_flush_all(struct jit_vcpu *vcpu);

/* Where a context's instruction TLB keeps va's page. */
static inline struct ir_itlb_entry *jit_itlb_slot(const struct jit_context *context, uint64_t va)
{
    return &context->itlb[va >> IR_PAGE_BITS & (context->code_entries - 1)];
}

void jit_rstack_clear(struct jit_vcpu *vcpu);
/* A translation of va was cached, perhaps in part. */
void jit_context_note(struct jit_context *context, uint64_t va, const struct arm_translation *tr);
/* The current context's data TLB, or instruction TLB, got an entry. */
void jit_context_note_fill(struct jit_vcpu *vcpu);
void jit_context_note_code_fill(struct jit_vcpu *vcpu);
/* EL0's TLB in the current address space, for LDTR and STTR at EL1. */
struct jit_context *jit_user_context(struct jit_vcpu *vcpu);
void jit_tlbi_local(struct jit_vcpu *vcpu, const struct arm_tlbi *op);

/* mail.c */
void jit_mail_init(struct jit_vcpu *vcpu);
void jit_post_tlbi(struct jit_vcpu *from, const struct arm_tlbi *op);
void jit_post_code(struct engine *engine, struct jit_vcpu *from);
void jit_mail_drain(struct jit_vcpu *vcpu);
void jit_wait_mail(struct jit_vcpu *from); /* DSB: until all others have done what was posted */
/* A ROM device left direct mode: drops what TLBs hold of it. from is the vCPU whose access it was,
 * which must call jit_wait_switch before that is complete, with no lock held; or NULL. */
void jit_post_switch(struct engine *engine, struct jit_vcpu *from);
void jit_wait_switch(struct jit_vcpu *from);

/* loop.c */
void *jit_thread(void *vcpu);
void jit_kick(struct arm_cpu *cpu);
/* The debugger's breakpoint or watchpoint was met before the instruction's effects. True. */
bool jit_debug_hit(struct jit_vcpu *vcpu, int why, uint64_t va);
/* Runs fn with no vCPU in guest code; the caller's own must not be either. */
void jit_exclusive(struct engine *engine, void (*fn)(struct engine *engine));

/* wfe.c */
void jit_wfe(struct arm_cpu *cpu, uint64_t timeout_ns);
/* Asleep in WFE: waits once more, as long as wake stays the futex's value; false when it is over.
 * step is 0 at first. */
bool jit_wfe_sleep(struct jit_vcpu *vcpu, uint32_t wake, uint64_t *step);

/* trim.c */
/* A guest is about to start. */
void jit_trim_init(struct engine *engine);
/* The vCPU goes to sleep, and wakes. */
void jit_idle_begin(struct jit_vcpu *vcpu, uint64_t now);
void jit_idle_end(struct jit_vcpu *vcpu, uint64_t now);
/* Gives memory back if all vCPUs have been quiet for long enough: true, and the caller, asleep and
 * not in guest, must look again for reasons to run. Else *when says when to ask again. */
bool jit_trim(struct engine *engine, uint64_t now, uint64_t *when);

/* engine.c */
extern const struct arm_engine_ops jit_engine_ops;

/* access.c, atomic.c */
extern const struct ir_runtime jit_runtime;

struct jit_target {
    uint8_t *host; /* RAM, or NULL for a device window */
    uint64_t pa;
};
/* Translates one access that does not cross a 4 KiB page, filling the TLB; false: exception taken.
 */
bool jit_resolve(struct jit_vcpu *vcpu, uint64_t va, uint32_t size, uint32_t memop,
                 enum arm_access access, struct jit_target *target);
/* Moves the bytes of an access to or from its target; false: exception taken. */
bool jit_move(struct jit_vcpu *vcpu, uint64_t va, const struct jit_target *target, uint8_t *buf,
              uint32_t size, bool write);
/* Host address of a byte in a page that the TLB knows (EL0's with IR_MEM_UNPRIV at EL1), or NULL.
 */
uint8_t *jit_tlb_host(struct jit_vcpu *vcpu, uint64_t va, bool write, uint32_t memop);
/* bulk.c: see struct arm_engine_ops. */
uint64_t jit_mem_copy(struct arm_cpu *cpu, uint64_t to, uint64_t from, uint64_t len, bool backward,
                      unsigned unprivileged);
uint64_t jit_mem_set(struct arm_cpu *cpu, uint64_t to, uint8_t value, uint64_t len,
                     bool unprivileged);
/* Whether the memory that the exclusive monitor marks holds something else by now. */
bool jit_monitor_lost(const struct jit_vcpu *vcpu);
uint64_t jit_atom(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff, uint32_t kind);
uint64_t jit_cas(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop, int32_t pgoff);
uint64_t jit_ldx(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t pair);
uint64_t jit_stx(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff,
                 uint32_t pair);

#endif
