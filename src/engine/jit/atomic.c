/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Atomics and exclusives by the slow path.
 *
 * The exclusive monitor is emulated by compare-and-swap: LDXR records where the memory lies
 * on the host and its value, STXR stores if memory still holds that value. A location that was
 * changed and changed back in between lets the store pass where hardware's monitor would fail it;
 * code that relies on exclusives alone to notice that cannot tell, as the architecture allows no
 * other access between the two (manual B2.12.5).
 */
#include <string.h>

#include "arm/exception.h"
#include "base/bits.h"
#include "engine/jit/bytes.h"
#include "engine/jit/jit.h"

enum { FSC_UNSUPPORTED = 0x35 }; /* IMPLEMENTATION DEFINED fault: unsupported exclusive or atomic */

/* An aligned address (or one within 16 bytes, FEAT_LSE2) of `size` bytes of RAM to read and write;
 * NULL: exception taken. */
static uint8_t *address(struct jit_vcpu *vcpu, uint64_t va, uint32_t size, uint32_t memop,
                        int32_t pgoff, enum arm_access access)
{
    uint8_t *host = NULL;
    struct jit_target target;

    vcpu->cpu.pc = vcpu->cpu.pc_page + (uint64_t)(int64_t)pgoff;
    vcpu->stat_slow++;
    if (!(va & (size - 1)) && (access == ARM_WRITE || jit_tlb_host(vcpu, va, false, memop)))
        host = jit_tlb_host(vcpu, va, access != ARM_READ, memop);
    if (host)
        return host;
    if (!jit_resolve(vcpu, va, size, memop | IR_MEM_ALIGN | IR_MEM_ATOMIC, access, &target))
        return NULL;
    if (!target.host)
        arm_take_data_abort(&vcpu->cpu, va, FSC_UNSUPPORTED, access != ARM_READ, false);
    return target.host;
}

static uint64_t swap_bytes(uint64_t v, uint32_t size)
{
    return __builtin_bswap64(v) >> (64 - 8 * size);
}

/* Host value <-> guest value, by the access's byte order. */
static uint64_t ordered(uint64_t v, uint32_t memop)
{
    return memop & IR_MEM_BE ? swap_bytes(v, IR_MEM_BYTES(memop)) : v;
}

/* Neither aligned nor beyond 16 bytes. */
static bool is_odd(const void *p, uint32_t size)
{
    return (uintptr_t)p & (size - 1);
}

static uint64_t load_sized(const void *p, uint32_t size)
{
    uint64_t odd;

    if (is_odd(p, size)) {
        odd = jit_bytes_load_odd(p, size);
        atomic_thread_fence(memory_order_acquire);
        return odd;
    }
    switch (size) {
    case 1:
        return __atomic_load_n((const uint8_t *)p, __ATOMIC_ACQUIRE);
    case 2:
        return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
    case 4:
        return __atomic_load_n((const uint32_t *)p, __ATOMIC_ACQUIRE);
    default:
        return __atomic_load_n((const uint64_t *)p, __ATOMIC_ACQUIRE);
    }
}

/* Compares and swaps what lies somewhere in 16 aligned bytes, by way of all of them. */
static bool cas_odd(void *p, uint64_t *expected, uint64_t desired, uint32_t size)
{
    unsigned __int128 *all = (unsigned __int128 *)((uintptr_t)p & ~(uintptr_t)15);
    unsigned shift = ((uintptr_t)p & 15) * 8;
    unsigned __int128 mask = (unsigned __int128)ones(8 * size) << shift;
    unsigned __int128 old = __sync_val_compare_and_swap(all, 0, 0), seen, fresh;

    for (;;) {
        if ((uint64_t)((old & mask) >> shift) != *expected) {
            *expected = (uint64_t)((old & mask) >> shift);
            return false;
        }
        fresh = (old & ~mask) | (unsigned __int128)desired << shift;
        seen = __sync_val_compare_and_swap(all, old, fresh);
        if (seen == old)
            return true;
        old = seen;
    }
}

/* Compares and swaps; *expected receives what was there. */
static bool cas_sized(void *p, uint64_t *expected, uint64_t desired, uint32_t size)
{
    bool ok;

    if (is_odd(p, size))
        return cas_odd(p, expected, desired, size);
    switch (size) {
    case 1: {
        uint8_t e = (uint8_t)*expected;
        ok = __atomic_compare_exchange_n((uint8_t *)p, &e, (uint8_t)desired, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 2: {
        uint16_t e = (uint16_t)*expected;
        ok = __atomic_compare_exchange_n((uint16_t *)p, &e, (uint16_t)desired, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    case 4: {
        uint32_t e = (uint32_t)*expected;
        ok = __atomic_compare_exchange_n((uint32_t *)p, &e, (uint32_t)desired, false,
                                         __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = e;
        return ok;
    }
    default:
        return __atomic_compare_exchange_n((uint64_t *)p, expected, desired, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

uint64_t jit_atom(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff, uint32_t kind)
{
    uint32_t size = IR_MEM_BYTES(memop);
    uint8_t *p = address(cpu, va, size, memop, pgoff, ARM_ATOMIC);
    uint64_t raw, old, new;

    if (!p)
        return 0;
    raw = load_sized(p, size);
    do {
        old = ordered(raw, memop);
        new = ir_atom_result(kind, old, b, 8 * size) & ones(8 * size);
    } while (!cas_sized(p, &raw, ordered(new, memop), size));
    return old;
}

uint64_t jit_cas(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop, int32_t pgoff)
{
    uint32_t size = IR_MEM_BYTES(memop);
    uint8_t *p = address(cpu, va, size, memop, pgoff, ARM_ATOMIC);
    uint64_t expected;

    if (!p)
        return 0;
    expected = ordered(b & ones(8 * size), memop);
    cas_sized(p, &expected, ordered(c & ones(8 * size), memop), size);
    return ordered(expected, memop);
}

/* --- exclusives -------------------------------------------------------------------------------*/

static struct ir_monitor *monitor(struct jit_vcpu *vcpu)
{
    return (struct ir_monitor *)(void *)vcpu->cpu.monitor;
}

uint64_t jit_ldx(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t pair)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    struct ir_monitor *m = monitor(vcpu);
    uint32_t size = IR_MEM_BYTES(memop);
    uint64_t second;
    uint8_t *p = address(vcpu, va, size << pair, memop, pgoff, ARM_READ);

    if (!p)
        return 0;
    m->addr = (uintptr_t)p;
    m->size = size << pair;
    if (pair && size == 4) { /* 64 bits at once: LDXP of two words is single-copy atomic */
        uint64_t both = load_sized(p, 8);
        m->value[0] = both & 0xffffffff;
        m->value[1] = both >> 32;
    } else {
        m->value[0] = load_sized(p, size);
        m->value[1] = pair ? load_sized(p + size, size) : 0;
    }
    second = ordered(m->value[1], memop);
    memcpy(&vcpu->cpu.second, &second, 8);
    return ordered(m->value[0], memop);
}

bool jit_monitor_lost(const struct jit_vcpu *vcpu)
{
    const struct ir_monitor *m = (const struct ir_monitor *)(const void *)vcpu->cpu.monitor;
    uint32_t size = (uint32_t)m->size;
    const uint8_t *p = (const uint8_t *)(uintptr_t)m->addr;

    if (m->addr == ~0ull)
        return false;
    if (!p) /* as reset leaves it */
        return true;
    if (size <= 8) /* a pair of words, or one value and zero */
        return load_sized(p, size) != (m->value[0] | m->value[1] << 32);
    return load_sized(p, 8) != m->value[0] || load_sized(p + 8, 8) != m->value[1];
}

static bool store_pair(uint8_t *p, const struct ir_monitor *m, uint64_t a, uint64_t b,
                       uint32_t size)
{
    unsigned __int128 expected, desired;
    uint64_t old;

    if (size == 4) {
        old = m->value[0] | m->value[1] << 32;
        return cas_sized(p, &old, (a & 0xffffffff) | b << 32, 8);
    }
    expected = (unsigned __int128)m->value[1] << 64 | m->value[0];
    desired = (unsigned __int128)b << 64 | a;
    return __sync_bool_compare_and_swap((unsigned __int128 *)(void *)p, expected, desired);
}

uint64_t jit_stx(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff,
                 uint32_t pair)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    struct ir_monitor *m = monitor(vcpu);
    uint32_t size = IR_MEM_BYTES(memop);
    uint64_t expected;
    uint8_t *p = address(vcpu, va, size << pair, memop, pgoff, ARM_WRITE);
    bool ok;

    if (!p)
        return 1;
    ok = m->addr == (uintptr_t)p && m->size == size << pair;
    m->addr = ~0ull;
    if (!ok)
        return 1;
    a = ordered(a & ones(8 * size), memop);
    b = ordered(b & ones(8 * size), memop);
    if (pair)
        return !store_pair(p, m, a, b, size);
    expected = m->value[0];
    return !cas_sized(p, &expected, a, size);
}
