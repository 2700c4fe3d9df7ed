/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory copied and set in bulk, for FEAT_MOPS: page by page where both sides are plain RAM that
 * the TLB knows, else byte by byte through what single accesses use (devices, watchpoints, ROM).
 */
#include <string.h>

#include "base/bits.h"
#include "engine/jit/jit.h"

/* One side of a copy at an address. */
struct side {
    struct jit_target target;
    bool plain; /* the whole page is RAM behind target.host */
};

/* False: an exception was taken. */
static bool reach(struct jit_vcpu *vcpu, uint64_t va, bool write, bool unprivileged,
                  struct side *side)
{
    uint32_t memop = unprivileged ? IR_MEM_UNPRIV : 0;
    uint8_t *host = jit_tlb_host(vcpu, va, write, memop);

    if (!host && !jit_resolve(vcpu, va, 1, memop, write ? ARM_WRITE : ARM_READ, &side->target))
        return false;
    if (!host)
        host = jit_tlb_host(vcpu, va, write, memop);
    side->plain = host;
    if (host)
        side->target.host = host;
    return true;
}

/* Bytes that can be done at once: from va up within its page, or va and those below it. */
static uint64_t room(uint64_t va, bool backward)
{
    uint64_t at = va & (IR_PAGE_SIZE - 1);

    return backward ? at + 1 : IR_PAGE_SIZE - at;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Pages of the two sides may be one and the same in the host's memory. */
static bool copy_part(struct jit_vcpu *vcpu, uint64_t to, const struct side *dst, uint64_t from,
                      const struct side *src, uint64_t n, bool backward)
{
    uint64_t back = backward ? n - 1 : 0;
    uint8_t byte;

    if (dst->plain && src->plain) {
        memmove(dst->target.host - back, src->target.host - back, n);
        return true;
    }
    return jit_move(vcpu, from, &src->target, &byte, 1, false) &&
           jit_move(vcpu, to, &dst->target, &byte, 1, true);
}

uint64_t jit_mem_copy(struct arm_cpu *cpu, uint64_t to, uint64_t from, uint64_t len, bool backward,
                      unsigned unprivileged)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    uint64_t done = 0, n;

    while (done < len) {
        uint64_t at = backward ? len - 1 - done : done;
        struct side dst, src;
        if (!reach(vcpu, to + at, true, unprivileged & 1, &dst) ||
            !reach(vcpu, from + at, false, unprivileged & 2, &src))
            break;
        n = 1;
        if (dst.plain && src.plain)
            n = least(len - done, least(room(to + at, backward), room(from + at, backward)));
        if (!copy_part(vcpu, to + at, &dst, from + at, &src, n, backward))
            break;
        done += n;
    }
    return done;
}

uint64_t jit_mem_set(struct arm_cpu *cpu, uint64_t to, uint8_t value, uint64_t len,
                     bool unprivileged)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    uint64_t done = 0, n;

    while (done < len) {
        struct side dst;
        if (!reach(vcpu, to + done, true, unprivileged, &dst))
            break;
        n = dst.plain ? least(len - done, room(to + done, false)) : 1;
        if (dst.plain)
            memset(dst.target.host, value, n);
        else if (!jit_move(vcpu, to + done, &dst.target, &value, 1, true))
            break;
        done += n;
    }
    return done;
}
