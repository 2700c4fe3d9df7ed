/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tier 2: hot code is translated once more, as superblocks.
 *
 *   - The tier-2 thread asks running vCPUs, every config.tier2_us, where they are
 *     (ARM_ATTENTION_SAMPLE); they answer at their next poll: a loop's end, an indirect branch.
 *   - A vCPU that is seen at the same place several times records: it interprets a thousand
 *     instructions and counts which way branches go, where code is entered and which accesses
 *     stay in their page (hot.c).
 *   - What was entered most often are heads. For each the thread gets a job: the page's bytes and
 *     the ways of its branches. It translates that while the vCPUs run on (tier2.c).
 *   - With all vCPUs out of guest code for a moment, what it has made goes into code memory, if the
 *     page is still the same: the page's table leads to it, and the head's old code begins with a
 *     jump to it.
 *
 * With tier2_us below 100, for tests, once is hot enough everywhere.
 */
#ifndef ARMVM_ENGINE_JIT_TIER2_H
#define ARMVM_ENGINE_JIT_TIER2_H

#include "engine/jit/jit.h"

enum {
    JIT_PLACES = 256, /* that a vCPU counts samples of */
    JIT_TRAILS = 8,   /* pages that a recording looks at */
    JIT_HEADS = 16,   /* of superblocks that it leads to */
    JIT_JOBS = 64,    /* that wait for the thread */
    JIT_EAGER_US = 100,
};

/* --- looking for hot code (hot.c) -------------------------------------------------------------*/

struct jit_place {
    uint32_t page_id;
    uint16_t slot; /* offset in the page / 4 */
    uint8_t count; /* samples */
    uint8_t need;  /* so many are hot */
};

/* What was seen of a page, by offset / 4. */
struct jit_trail {
    struct jit_page *page;
    uint64_t va;
    uint16_t count[JIT_PAGE_SLOTS];   /* how often the instruction ran */
    uint16_t taken[JIT_PAGE_SLOTS];   /* and did not go on to the next one */
    uint16_t entered[JIT_PAGE_SLOTS]; /* otherwise than from nearby, forwards */
    uint16_t rare[JIT_PAGE_SLOTS];    /* by the rarer way of a branch that goes both ways */
    uint16_t accesses[JIT_PAGE_SLOTS];
    uint16_t stayed[JIT_PAGE_SLOTS];   /* of these, in the page of the one before */
    uint64_t accessed[JIT_PAGE_SLOTS]; /* that page */
    uint16_t target[JIT_PAGE_SLOTS];   /* where it led last that is not the next, offset / 4 + 1 */
};

struct jit_recording {
    struct jit_trail trail[JIT_TRAILS];
    unsigned trails;
    unsigned left;  /* instructions */
    uint64_t began; /* in the thread's CPU time */
    /* The last instruction. */
    struct jit_trail *at; /* NULL: none of these pages */
    uint64_t va;
    uint32_t insn;
    uint64_t next;              /* where it led */
    bool enters;                /* where it led is entered by it */
    struct front_region region; /* for translating it: large */
};

/* A vCPU's. */
struct jit_hot {
    struct jit_place place[JIT_PLACES];
    unsigned samples;                /* since the counts were halved */
    struct jit_recording *recording; /* NULL: none now */
    uint64_t not_before;             /* the next one */
    uint64_t stat_samples, stat_recordings, stat_insns;
};

struct jit_head {
    const struct jit_trail *trail;
    uint32_t slot;
};

int jit_hot_create(struct jit_vcpu *vcpu, struct error *err);
void jit_hot_destroy(struct jit_vcpu *vcpu);
/* The vCPU is asked where it is: pc, before anything else is done. */
void jit_hot_sample(struct jit_vcpu *vcpu);
/* While it records, in place of jit_lookup: leaves the instruction at pc in vcpu->ir, to be
 * interpreted. */
void *jit_hot_next(struct jit_vcpu *vcpu);
/* That has been done. */
void jit_hot_note(struct jit_vcpu *vcpu);
/* Ends a recording, if there is one. In guest: pages that it has seen are there still. */
void jit_hot_stop(struct jit_vcpu *vcpu);
/* The vCPU has been busy for so long: wakes the thread if it sleeps and that is worth it. */
void jit_hot_wake(struct jit_vcpu *vcpu, uint64_t busy_ns);

/* The best heads for superblocks, at most max: what was entered `least` times and has none yet. */
unsigned jit_choose_heads(const struct jit_trail *trail, unsigned trails, unsigned least,
                          struct jit_head *head, unsigned max);
/* Fills in rare. */
void jit_find_rare(struct jit_trail *trail);
/* Which way each branch went as a rule, and where superblocks begin: entered `least` times. Rarer
 * ways begin superblocks, but do not end others: what follows is made for both. */
void jit_choose_ways(const struct jit_trail *trail, unsigned least, uint8_t way[JIT_PAGE_SLOTS]);

static inline bool jit_is_recording(const struct jit_vcpu *vcpu)
{
    return vcpu->hot && vcpu->hot->recording;
}

/* --- superblocks (tier2.c) --------------------------------------------------------------------*/

/* What a superblock is made from. */
struct jit_job {
    uint64_t pa, va; /* of the page; of the head, where it was seen */
    uint32_t mode, page_id, pgoff;
    uint64_t flushes; /* of the code cache, when it was seen */
    struct jit_made *made;
    uint8_t way[JIT_PAGE_SLOTS];
    _Alignas(8) uint8_t bytes[IR_PAGE_SIZE];
};

/* What it has become. */
struct jit_made {
    unsigned insns;
    struct x64_code code;
    uint8_t bytes[]; /* detached */
};

struct jit_tier2 {
    struct engine *engine;
    pthread_t thread;
    bool started;
    bool eager;
    _Atomic uint32_t wake;   /* futex word, counts */
    _Atomic uint32_t asleep; /* no vCPU has been running for a while */
    struct jit_maker maker;
    /* The thread's own. */
    struct ir *ir;
    uint8_t *room;
    struct jit_job *job[JIT_JOBS]; /* being worked on */
    unsigned jobs;
    unsigned next_slot; /* of page slots */

    pthread_mutex_t lock; /* of the queue and the figures */
    struct jit_job *queue[JIT_JOBS];
    unsigned queued;
    uint64_t stat_unsound; /* regions: must stay 0 */
    uint64_t stat_made, stat_refused, stat_dropped, stat_insns, stat_bytes;
};

/* For a translating engine, once its vCPUs are there; engine->tier2 stays NULL if it is off. */
int jit_tier2_create(struct engine *engine, struct error *err);
int jit_tier2_start(struct engine *engine, struct error *err);
/* engine->quit is set. */
void jit_tier2_stop(struct engine *engine);
void jit_tier2_destroy(struct engine *engine);
void jit_tier2_print(struct engine *engine, FILE *out);
/* Takes the job over. False: the queue is full, and the job is gone. */
bool jit_tier2_post(struct jit_tier2 *tier2, struct jit_job *job);
/* Does all that waits. Not on a vCPU's thread. */
void jit_tier2_work(struct jit_tier2 *tier2);

#endif
