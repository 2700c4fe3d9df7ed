/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores by the slow path: TLB misses, device windows, page crossings, watchpoints,
 * unprivileged and big-endian accesses. An access that faults has done nothing.
 */
#include <string.h>

#include "arm/debug.h"
#include "arm/exception.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "base/trace.h"
#include "engine/jit/bytes.h"
#include "engine/jit/jit.h"
#include "machine/mem/mem.h"

/* Fault status codes (manual D19.2.37, ISS for Data Abort, DFSC). */
enum { FSC_EXTERNAL = 0x10, FSC_ALIGNMENT = 0x21 };

static struct ir_tlb_entry *tlb_slot(struct arm_cpu *cpu, uint64_t va)
{
    return (struct ir_tlb_entry *)(void *)((uint8_t *)cpu->tlb +
                                           ((va >> IR_PAGE_BITS) * sizeof(struct ir_tlb_entry) &
                                            cpu->tlb_mask));
}

/* --- one page ---------------------------------------------------------------------------------*/

/*
 * AArch64.UnalignedAccessFaults(): with FEAT_LSE2 what must be aligned (ordered, atomic, exclusive)
 * need only lie within 16 bytes, and SCTLR_EL1.nAA lets go of ordered accesses altogether.
 */
static bool misaligned(const struct arm_cpu *cpu, uint64_t va, uint32_t size, uint32_t memop)
{
    uint32_t element = IR_MEM_BYTES(memop);

    if (memop & IR_MEM_ALIGN_EL && va & (element - 1))
        return true;
    if (!(memop & IR_MEM_ALIGN) || !(va & (size - 1)))
        return false;
    if (!arm_has(cpu->features, ARM_FEAT_LSE2) || memop & IR_MEM_ALIGN_EL)
        return true;
    return (va & 15) + size > 16 && (memop & IR_MEM_ATOMIC || !(cpu->sctlr_el1 & ARM_SCTLR_nAA));
}

/* Whether the debugger on the host watches [va, va + size). */
static bool host_watches(const struct engine *engine, uint64_t va, uint64_t size, bool write)
{
    for (unsigned i = 0; i < engine->watchpoints; i++)
        if (va < engine->watchpoint[i].va + engine->watchpoint[i].len &&
            engine->watchpoint[i].va < va + size && engine->watchpoint[i].access & (write ? 2 : 1))
            return true;
    return false;
}

static bool page_is_watched(const struct jit_vcpu *vcpu, uint64_t va, unsigned el)
{
    uint64_t page = align_down(va, IR_PAGE_SIZE);

    return host_watches(vcpu->engine, page, IR_PAGE_SIZE, false) ||
           host_watches(vcpu->engine, page, IR_PAGE_SIZE, true) ||
           arm_watchpoint_in_page(&vcpu->cpu, va, el);
}

static struct ir_tlb_entry *user_slot(struct jit_context *user, uint64_t va)
{
    return &user->tlb[va >> IR_PAGE_BITS & (user->entries - 1)];
}

static void fill(struct jit_context *context, struct ir_tlb_entry *entry, uint64_t va,
                 const struct arm_translation *tr, const uint8_t *host, bool readonly)
{
    uint64_t page = align_down(va, IR_PAGE_SIZE);

    entry->addend = (uint64_t)(uintptr_t)host - va;
    entry->rtag = tr->readable ? page : 1;
    entry->wtag = tr->writable && tr->dirty && !readonly ? page : 1;
    entry->attr = (tr->global ? JIT_TLB_GLOBAL : 0) | (uint64_t)__builtin_ctzll(tr->size)
                                                          << JIT_TLB_SIZE_SHIFT;
    jit_context_note(context, va, tr);
}

/* An atomic reports a write only if a read would not have faulted too (manual, ESR_EL1.WnR). */
static bool abort_access(struct jit_vcpu *vcpu, uint64_t va, uint8_t fsc, enum arm_access access)
{
    arm_take_data_abort(&vcpu->cpu, va, fsc, access == ARM_WRITE, false);
    return false;
}

bool jit_resolve(struct jit_vcpu *vcpu, uint64_t va, uint32_t size, uint32_t memop,
                 enum arm_access access, struct jit_target *target)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    bool unprivileged = memop & IR_MEM_UNPRIV && cpu->el == 1 && !cpu->uao;
    unsigned el = unprivileged ? 0 : cpu->el;
    struct arm_translation tr;
    struct arm_fault fault;
    const struct mem_slot *slot;

    if (misaligned(&vcpu->cpu, va, size, memop))
        return abort_access(vcpu, va, FSC_ALIGNMENT, access);
    if (arm_translate(cpu, va, el, !unprivileged && cpu->pan, access, &tr, &fault)) {
        arm_take_data_abort(cpu, va, fault.fsc, fault.write, false);
        return false;
    }
    if (tr.attr == ARM_MEM_DEVICE && (va & (IR_MEM_BYTES(memop) - 1) || memop & IR_MEM_NORMAL))
        return abort_access(vcpu, va, FSC_ALIGNMENT, access);
    target->pa = tr.pa;
    target->host = NULL;
    slot = mem_find(vcpu->engine->config.mem, tr.pa);
    if (!slot)
        return abort_access(vcpu, va, FSC_EXTERNAL, access);
    if (access == ARM_READ ? mem_is_direct(slot) : slot->host && !slot->readonly)
        target->host = slot->host + (tr.pa - slot->base);
    if (page_is_watched(vcpu, va, el)) {
        bool write = access != ARM_READ;
        if (host_watches(vcpu->engine, va, size, write) && !vcpu->step)
            return !jit_debug_hit(vcpu, ENGINE_WATCHPOINT, va);
        return !arm_check_watchpoint(cpu, va, size, el, write);
    }
    if (!target->host || tr.attr == ARM_MEM_DEVICE)
        return true;
    if (slot->rom && !mem_rom_cache(slot)) {
        target->host = NULL;
        return true;
    }
    if (unprivileged) {
        struct jit_context *user = jit_user_context(vcpu);
        fill(user, user_slot(user, va), va, &tr, target->host, slot->readonly);
    } else {
        fill(vcpu->current, tlb_slot(cpu, va), va, &tr, target->host, slot->readonly);
        jit_context_note_fill(vcpu);
    }
    vcpu->stat_tlb_fills++;
    return true;
}

static bool has_page(struct arm_cpu *cpu, uint64_t va, bool write)
{
    const struct ir_tlb_entry *entry = tlb_slot(cpu, va);

    return (write ? entry->wtag : entry->rtag) == align_down(va, IR_PAGE_SIZE);
}

/* Takes a page into the TLB, if it is one that may be there. */
static void take_page(struct jit_vcpu *vcpu, uint64_t va, enum arm_access access)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    const struct mem_slot *slot;
    struct arm_translation tr;
    struct arm_fault fault;

    if (arm_translate(cpu, va, cpu->el, cpu->pan, access, &tr, &fault))
        return;
    slot = mem_find(vcpu->engine->config.mem, tr.pa);
    if (!slot || tr.attr == ARM_MEM_DEVICE || page_is_watched(vcpu, va, cpu->el) ||
        !(access == ARM_READ ? mem_is_direct(slot) : slot->host && !slot->readonly) ||
        (slot->rom && !mem_rom_cache(slot)))
        return;
    fill(vcpu->current, tlb_slot(cpu, va), va, &tr, slot->host + (tr.pa - slot->base),
         slot->readonly);
    jit_context_note_fill(vcpu); /* the TLB may be another now */
    vcpu->stat_tlb_fills++;
}

/* The access at va is about to be done, so that flags in descriptors may be set for it. */
static uint64_t rt_fill(void *cpu, uint64_t va, uint64_t bytes, uint32_t write, uint32_t first)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);

    if (align_down(va, IR_PAGE_SIZE) != align_down(va + bytes - 1, IR_PAGE_SIZE))
        return 0;
    vcpu->stat_slow++;
    if (!has_page(cpu, va, write))
        take_page(vcpu, va, first ? ARM_WRITE : ARM_READ);
    return has_page(cpu, va, write);
}

/* --- moving bytes -----------------------------------------------------------------------------*/

static void trace_io(struct jit_vcpu *vcpu, const char *verb, uint64_t pa, uint32_t size,
                     uint64_t value)
{
    const struct mem_slot *slot = mem_find(vcpu->engine->config.mem, pa);

    trace_print(vcpu->cpu.trace, TRACE_DEV, "cpu%u %s %s+0x%llx size %u: 0x%llx", vcpu->cpu.index,
                verb, slot ? slot->name : "?", (unsigned long long)(slot ? pa - slot->base : pa),
                size, (unsigned long long)value);
}

/* One access to a device window, in pieces of a power of two of up to 8 bytes each. */
static bool io(struct jit_vcpu *vcpu, uint64_t va, uint64_t pa, uint8_t *buf, uint32_t size,
               bool write)
{
    struct mem *mem = vcpu->engine->config.mem;
    uint32_t piece = size > 8 ? 8 : size;

    vcpu->stat_io++;
    for (uint32_t at = 0; at < size; at += piece) {
        uint64_t value = write ? ld_le(buf + at, piece) : 0;
        int rc = write ? mem_io_write(mem, pa + at, piece, value)
                       : mem_io_read(mem, pa + at, piece, &value);
        if (trace_on(vcpu->cpu.trace, TRACE_DEV))
            trace_io(vcpu, write ? "write" : "read", pa + at, piece, value);
        if (rc)
            return abort_access(vcpu, va, FSC_EXTERNAL, write ? ARM_WRITE : ARM_READ);
        if (!write)
            st_le(buf + at, piece, value);
    }
    if (vcpu->rom_switched)
        jit_wait_switch(vcpu);
    return true;
}

bool jit_move(struct jit_vcpu *vcpu, uint64_t va, const struct jit_target *target, uint8_t *buf,
              uint32_t size, bool write)
{
    if (!target->host)
        return io(vcpu, va, target->pa, buf, size, write);
    if (write)
        jit_bytes_store(target->host, buf, size);
    else
        jit_bytes_load(buf, target->host, size);
    return true;
}

uint8_t *jit_tlb_host(struct jit_vcpu *vcpu, uint64_t va, bool write, uint32_t memop)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    bool unprivileged = memop & IR_MEM_UNPRIV && cpu->el && !cpu->uao;
    const struct ir_tlb_entry *entry =
        unprivileged ? user_slot(jit_user_context(vcpu), va) : tlb_slot(cpu, va);

    return (write ? entry->wtag : entry->rtag) == align_down(va, IR_PAGE_SIZE)
               ? (uint8_t *)(uintptr_t)(va + entry->addend)
               : NULL;
}

/* One side of an access across pages, most often in the TLB. False: exception taken. */
static bool find_side(struct jit_vcpu *vcpu, uint64_t va, uint32_t size, uint32_t memop, bool write,
                      struct jit_target *target)
{
    target->host = jit_tlb_host(vcpu, va, write, memop);
    return target->host || jit_resolve(vcpu, va, size, memop, write ? ARM_WRITE : ARM_READ, target);
}

/* A whole access of up to 32 bytes. False: exception taken, nothing done. */
static bool transfer(struct jit_vcpu *vcpu, uint64_t va, uint8_t *buf, uint32_t size,
                     uint32_t memop, bool write)
{
    struct arm_cpu *cpu = &vcpu->cpu;
    enum arm_access access = write ? ARM_WRITE : ARM_READ;
    uint32_t first = IR_PAGE_SIZE - (uint32_t)(va & (IR_PAGE_SIZE - 1));
    bool unprivileged = memop & IR_MEM_UNPRIV && cpu->el && !cpu->uao;
    struct ir_tlb_entry *entry =
        unprivileged ? user_slot(jit_user_context(vcpu), va) : tlb_slot(cpu, va);
    struct jit_target target[2];

    vcpu->accessed = va;
    if ((write ? entry->wtag : entry->rtag) == ((va + size - 1) & ~(uint64_t)(IR_PAGE_SIZE - 1)) &&
        !(memop & (IR_MEM_ALIGN | IR_MEM_ALIGN_EL))) {
        target[0].host = (uint8_t *)(uintptr_t)(va + entry->addend);
        return jit_move(vcpu, va, target, buf, size, write);
    }
    if (first >= size)
        return jit_resolve(vcpu, va, size, memop, access, &target[0]) &&
               jit_move(vcpu, va, &target[0], buf, size, write);
    /* Across pages: an unaligned access to Device memory faults on either side. Alignment is
     * checked for the whole before its parts are looked up as bytes. */
    if (misaligned(&vcpu->cpu, va, size, memop))
        return abort_access(vcpu, va, FSC_ALIGNMENT, access);
    memop = memop & IR_MEM_UNPRIV;
    return find_side(vcpu, va, first, memop, write, &target[0]) &&
           find_side(vcpu, va + first, size - first, memop, write, &target[1]) &&
           jit_move(vcpu, va, &target[0], buf, first, write) &&
           jit_move(vcpu, va + first, &target[1], buf + first, size - first, write);
}

/* --- the run-time's functions -----------------------------------------------------------------*/

static void begin(struct jit_vcpu *vcpu, int32_t pgoff)
{
    vcpu->cpu.pc = vcpu->cpu.pc_page + (uint64_t)(int64_t)pgoff;
    vcpu->stat_slow++;
}

static void fence_after_load(uint32_t memop)
{
    if (memop & IR_MEM_ACQUIRE)
        atomic_thread_fence(memory_order_acquire);
}

static void reverse(uint8_t *p, uint32_t size)
{
    for (uint32_t i = 0; i < size / 2; i++) {
        uint8_t t = p[i];
        p[i] = p[size - 1 - i];
        p[size - 1 - i] = t;
    }
}

static bool load(struct jit_vcpu *vcpu, uint64_t va, uint8_t *buf, uint32_t count, uint32_t memop)
{
    uint32_t element = IR_MEM_BYTES(memop);

    if (!transfer(vcpu, va, buf, element * count, memop, false))
        return false;
    fence_after_load(memop);
    for (uint32_t i = 0; memop & IR_MEM_BE && i < count; i++)
        reverse(buf + i * element, element);
    return true;
}

static bool store(struct jit_vcpu *vcpu, uint64_t va, uint8_t *buf, uint32_t count, uint32_t memop)
{
    uint32_t element = IR_MEM_BYTES(memop);

    for (uint32_t i = 0; memop & IR_MEM_BE && i < count; i++)
        reverse(buf + i * element, element);
    if (memop & IR_MEM_RELEASE)
        atomic_thread_fence(memory_order_release);
    if (!transfer(vcpu, va, buf, element * count, memop, true))
        return false;
    if (memop & IR_MEM_RELEASE)
        atomic_thread_fence(memory_order_seq_cst);
    return true;
}

static uint64_t extend(const uint8_t *buf, uint32_t memop)
{
    uint64_t value = ld_le(buf, IR_MEM_BYTES(memop));

    return memop & IR_MEM_SIGNED ? (uint64_t)sext64(value, 8 * IR_MEM_BYTES(memop)) : value;
}

/*
 * Kernels copy to and from user space by LDTR and STTR, so those have a short way: host address of
 * a plain access that hits EL0's TLB, or NULL.
 */
static uint8_t *user_hit(struct jit_vcpu *vcpu, uint64_t va, uint32_t memop, bool write)
{
    const uint32_t plain = IR_MEM_UNPRIV | IR_MEM_SIGNED | 7;
    const struct ir_tlb_entry *entry;
    uint64_t tag = (va + IR_MEM_BYTES(memop) - 1) & ~(uint64_t)(IR_PAGE_SIZE - 1);

    if (memop & ~plain || !vcpu->cpu.el || vcpu->cpu.uao)
        return NULL;
    entry = user_slot(jit_user_context(vcpu), va);
    return (write ? entry->wtag : entry->rtag) == tag ? (uint8_t *)(uintptr_t)(va + entry->addend)
                                                      : NULL;
}

static uint64_t rt_ld(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    uint8_t buf[8], *host = memop & IR_MEM_UNPRIV ? user_hit(cpu, va, memop, false) : NULL;

    if (host) {
        jit_bytes_load(buf, host, IR_MEM_BYTES(memop));
        return extend(buf, memop);
    }
    begin(cpu, pgoff);
    return load(cpu, va, buf, 1, memop) ? extend(buf, memop) : 0;
}

static void rt_st(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    uint8_t buf[8], *host = memop & IR_MEM_UNPRIV ? user_hit(cpu, va, memop, true) : NULL;

    st_le(buf, 8, value);
    if (host) {
        jit_bytes_store(host, buf, IR_MEM_BYTES(memop));
        return;
    }
    begin(cpu, pgoff);
    store(cpu, va, buf, 1, memop);
}

static uint64_t rt_ld2(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    uint8_t buf[16];
    uint64_t second;

    begin(cpu, pgoff);
    if (!load(cpu, va, buf, 2, memop))
        return 0;
    second = extend(buf + IR_MEM_BYTES(memop), memop);
    memcpy(&jit_vcpu(cpu)->cpu.second, &second, 8);
    return extend(buf, memop);
}

static void rt_st2(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff)
{
    uint8_t buf[16];

    begin(cpu, pgoff);
    st_le(buf, IR_MEM_BYTES(memop), a);
    st_le(buf + IR_MEM_BYTES(memop), IR_MEM_BYTES(memop), b);
    store(cpu, va, buf, 2, memop);
}

static void rt_ldv(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    union v128 *scratch = jit_vcpu(cpu)->cpu.scratch;
    uint8_t buf[32];

    begin(cpu, pgoff);
    if (!load(cpu, va, buf, count, memop))
        return;
    for (uint32_t i = 0; i < count; i++) {
        memset(&scratch[i], 0, 16);
        memcpy(&scratch[i], buf + i * IR_MEM_BYTES(memop), IR_MEM_BYTES(memop));
    }
}

static void rt_stv(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    const union v128 *scratch = jit_vcpu(cpu)->cpu.scratch;
    uint8_t buf[32];

    begin(cpu, pgoff);
    for (uint32_t i = 0; i < count; i++)
        memcpy(buf + i * IR_MEM_BYTES(memop), &scratch[i + 1], IR_MEM_BYTES(memop));
    store(cpu, va, buf, count, memop);
}

static void rt_probe(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    enum arm_access access = memop & IR_MEM_WRITE ? ARM_WRITE : ARM_READ;
    uint32_t first = IR_PAGE_SIZE - (uint32_t)(va & (IR_PAGE_SIZE - 1));
    struct jit_target target;

    begin(vcpu, pgoff);
    if (first >= len)
        first = len;
    if (jit_resolve(vcpu, va, first, memop, access, &target) && first < len)
        jit_resolve(vcpu, va + first, len - first, memop & IR_MEM_UNPRIV, access, &target);
}

/*
 * DC ZVA. A fault's address is the one that the instruction names (manual D19.2.40, FAR_EL1), so
 * that byte comes first; watchpoints ask for the whole block. To Device memory it is an Alignment
 * fault.
 */
static void rt_zero(void *cpu, uint64_t va, uint64_t named, int32_t pgoff)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    uint8_t zeroes[IR_ZERO_BYTES] = {0};
    struct jit_target target;

    begin(vcpu, pgoff);
    if (jit_resolve(vcpu, named, 1, IR_MEM_NORMAL, ARM_WRITE, &target) &&
        jit_resolve(vcpu, va, IR_ZERO_BYTES, 0, ARM_WRITE, &target))
        jit_move(vcpu, va, &target, zeroes, IR_ZERO_BYTES, true);
}

const struct ir_runtime jit_runtime = {
    .ld = rt_ld,
    .st = rt_st,
    .ld2 = rt_ld2,
    .st2 = rt_st2,
    .ldv = rt_ldv,
    .stv = rt_stv,
    .probe = rt_probe,
    .zero = rt_zero,
    .fill = rt_fill,
    .atom = jit_atom,
    .cas = jit_cas,
    .ldx = jit_ldx,
    .stx = jit_stx,
};
