/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine asks of an engine, whichever it is: run N PEs over one guest memory. */
#ifndef ARMVM_ENGINE_ENGINE_H
#define ARMVM_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct arm_cpu;
struct arm_features;
struct arm_hooks;
struct engine;
struct error;
struct mem;
struct trace;

enum engine_kind { ENGINE_AUTO, ENGINE_TRANSLATE, ENGINE_INTERPRET, ENGINE_KVM };
enum engine_host_cpu { ENGINE_HOST_NATIVE, ENGINE_HOST_V2, ENGINE_HOST_V3, ENGINE_HOST_V4 };

/* Parts of the engine that it runs without, if asked to: that is how a fault is bisected. */
enum engine_part {
    ENGINE_FORWARD,  /* what CPU state holds is known within a block; constants are folded */
    ENGINE_SIMPLIFY, /* operations become simpler ones */
    ENGINE_DEAD,     /* what nobody can see is dropped */
    ENGINE_FUSE,     /* one host instruction for two operations */
    ENGINE_LAZY,     /* values that only their user computes */
    ENGINE_SHARE,    /* accesses that lean on the check of the one before */
    ENGINE_HINT,     /* results computed in the pinned register that they go to */
    ENGINE_SLOTS,    /* loops remember pages */
    ENGINE_RETURNS,  /* a stack of return addresses */
    ENGINE_LINKS,    /* direct branches that lead from translation to translation */
    ENGINE_REGIONS,  /* more than one instruction at a time */
    ENGINE_TIER2,    /* superblocks of hot code */
    ENGINE_PARTS
};
extern const char *const engine_part_names[ENGINE_PARTS + 1]; /* "forward", ...; NULL ends them */

struct engine_config {
    enum engine_kind kind;
    enum engine_host_cpu host_cpu;
    uint32_t without; /* bits by enum engine_part; translations are not kept for later runs then */
    unsigned cpus;
    size_t code_cache;  /* bytes of translated code, >= 1 MiB; 0: the default */
    /* Directory that keeps translations for later runs; NULL: none. Only during engine_create. */
    const char *code_store;
    bool code_store_asked; /* the user named it: what is wrong with it is said on standard error */
    uint32_t tier2_us;     /* how often to look for hot code, 20 to 1000000; 0: never */
    struct mem *mem;
    const struct arm_features *features;
    const struct arm_hooks *hooks;
    const struct trace *trace;
    bool perf_map;      /* write /tmp/perf-PID.map */
};

/* Creates the PEs, all powered off, no thread running yet. What the host cannot do (translation on
 * a host that is not x86-64, KVM without /dev/kvm) is refused with one line. */
int engine_create(const struct engine_config *config, struct engine **engine, struct error *err);
/* Stops and frees; no thread of the engine is left. */
void engine_destroy(struct engine *engine);

unsigned engine_cpus(const struct engine *engine);
struct arm_cpu *engine_cpu(struct engine *engine, unsigned index);

/* Starts the vCPU threads (once). Those with power ON run, the others wait for PSCI. */
int engine_start(struct engine *engine, struct error *err);

/* Brings every vCPU thread to a halt between two instructions and returns when all stand still
 * (state is then in struct arm_cpu, exact). Not from a vCPU thread. Calls nest. */
void engine_pause(struct engine *engine);
void engine_resume(struct engine *engine);

/* While paused: resets all PEs; PE 0 will start at pc with x0, the others are powered off.
 * Translations of all of memory are dropped. */
void engine_reset(struct engine *engine, uint64_t pc, uint64_t x0);

/* Memory was written behind the PEs' backs (DMA, loader, debugger): any thread. */
void engine_memory_written(struct engine *engine, uint64_t pa, uint64_t len);

/* Debugger: while paused. step: the next resume runs one instruction of that PE only. */
int engine_set_breakpoint(struct engine *engine, uint64_t va, bool set);
int engine_set_watchpoint(struct engine *engine, uint64_t va, uint64_t len, unsigned access, bool set);
void engine_step(struct engine *engine, unsigned cpu);
/* Called on a vCPU thread that hit a breakpoint or watchpoint, or finished a step; that PE stands
 * still until engine_resume. */
struct engine_debug_event {
    unsigned cpu;
    enum { ENGINE_STEPPED, ENGINE_BREAKPOINT, ENGINE_WATCHPOINT } why;
    uint64_t va;
};
void engine_set_debugger(struct engine *engine,
                         void (*event)(void *ctx, const struct engine_debug_event *event), void *ctx);

/* Counters for --stats, one line each. */
void engine_print_stats(struct engine *engine, FILE *out);

#endif
