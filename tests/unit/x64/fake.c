/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <string.h>
#include <sys/mman.h>

#define AT(field) (int32_t) offsetof(struct fake_cpu, field)

const struct ir_layout fake_layout = {
    .pc_page = AT(pc_page),
    .pc = AT(pc),
    .nzcv = AT(nzcv),
    .raised = AT(raised),
    .attention = AT(attention),
    .fpenv = AT(fpenv),
    .scratch = AT(scratch),
    .second = AT(second),
    .tlb = AT(tlb),
    .tlb_mask = AT(tlb_mask),
    .itlb = AT(itlb),
    .itlb_mask = AT(itlb_mask),
    .slots = AT(slots),
    .slots_used = AT(slots_used),
    .rstack = AT(rstack),
    .rstack_top = AT(rstack_top),
    .monitor = AT(monitor),
    .x0 = AT(x),
    .v0 = AT(v),
};

uint64_t fake_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1dull;
}

static void raise_fault(struct fake_cpu *cpu, int32_t pgoff)
{
    cpu->raised = 1;
    cpu->pc = cpu->pc_page + (uint64_t)pgoff;
    cpu->x[31] ^= 0x5555;                  /* an exception switches stacks */
    cpu->misc[0] = cpu->x[0] + cpu->x[19]; /* and sees registers */
}

/* Where n bytes are, or NULL after a fault. */
static uint8_t *find(struct fake_cpu *cpu, uint64_t va, uint64_t n, uint32_t memop, uint64_t total,
                     int32_t pgoff)
{
    cpu->calls++;
    uint64_t align = memop & IR_MEM_ALIGN      ? total - 1
                     : memop & IR_MEM_ALIGN_EL ? IR_MEM_BYTES(memop) - 1
                                               : 0;
    if (va & align || va < FAKE_BASE || va >= FAKE_BASE + FAKE_SIZE ||
        va + n > FAKE_BASE + FAKE_SIZE) {
        raise_fault(cpu, pgoff);
        return NULL;
    }
    /* what hits later must be what was there all along; touching the TLB is allowed */
    return cpu->memory + (va - FAKE_BASE);
}

static void reverse(uint8_t *b, unsigned n)
{
    for (unsigned k = 0; k < n / 2; k++) {
        uint8_t t = b[k];
        b[k] = b[n - 1 - k];
        b[n - 1 - k] = t;
    }
}

static uint64_t get(const uint8_t *p, uint32_t memop)
{
    uint64_t x = 0;
    unsigned n = IR_MEM_BYTES(memop), bits = 8 * n;
    memcpy(&x, p, n);
    if (memop & IR_MEM_BE)
        reverse((uint8_t *)&x, n);
    if (memop & IR_MEM_SIGNED && bits < 64)
        x = (uint64_t)((int64_t)(x << (64 - bits)) >> (64 - bits));
    return x;
}

static void set(uint8_t *p, uint64_t x, uint32_t memop)
{
    unsigned n = IR_MEM_BYTES(memop);
    if (memop & IR_MEM_BE)
        reverse((uint8_t *)&x, n);
    memcpy(p, &x, n);
}

static uint64_t fake_ld(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, n, memop, n, pgoff);
    return p ? get(p, memop) : 0;
}

static void fake_st(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, n, memop, n, pgoff);
    if (p)
        set(p, value, memop);
}

static uint64_t fake_ld2(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, 2 * n, memop, 2 * n, pgoff);
    if (!p)
        return 0;
    ((struct fake_cpu *)cpu)->second.d[0] = get(p + n, memop);
    return get(p, memop);
}

static void fake_st2(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, 2 * n, memop, 2 * n, pgoff);
    if (!p)
        return;
    set(p, a, memop);
    set(p + n, b, memop);
}

static void fake_ldv(void *vcpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct fake_cpu *cpu = vcpu;
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, count * n, memop, count * n, pgoff);
    for (unsigned k = 0; p && k < count; k++) {
        memset(&cpu->scratch[k], 0, 16);
        memcpy(&cpu->scratch[k], p + k * n, n);
        if (memop & IR_MEM_BE)
            reverse(cpu->scratch[k].b, n);
    }
}

static void fake_stv(void *vcpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count)
{
    struct fake_cpu *cpu = vcpu;
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, count * n, memop, count * n, pgoff);
    for (unsigned k = 0; p && k < count; k++) {
        memcpy(p + k * n, &cpu->scratch[k + 1], n);
        if (memop & IR_MEM_BE)
            reverse(p + k * n, n);
    }
}

static void fake_probe(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len)
{
    find(cpu, va, len, 0, len, pgoff);
}

/* A fault leaves the address that it names. */
static void fake_zero(void *vcpu, uint64_t va, uint64_t named, int32_t pgoff)
{
    struct fake_cpu *cpu = vcpu;
    uint8_t *p = find(cpu, va, IR_ZERO_BYTES, 0, IR_ZERO_BYTES, pgoff);
    if (p)
        memset(p, 0, IR_ZERO_BYTES);
    else
        cpu->misc[2] = named;
}

static uint64_t fake_atom(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff,
                          uint32_t kind)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, n, memop, n, pgoff);
    if (!p)
        return 0;
    uint64_t old = get(p, memop & ~IR_MEM_SIGNED);
    set(p, ir_atom_result(kind, old, b, 8 * n), memop);
    return old;
}

static uint64_t fake_cas(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop,
                         int32_t pgoff)
{
    unsigned n = IR_MEM_BYTES(memop);
    uint8_t *p = find(cpu, va, n, memop, n, pgoff);
    if (!p)
        return 0;
    uint64_t old = get(p, memop & ~IR_MEM_SIGNED);
    if (((old ^ b) << (64 - 8 * n)) == 0)
        set(p, c, memop);
    return old;
}

static uint64_t fake_ldx(void *vcpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t pair)
{
    struct fake_cpu *cpu = vcpu;
    uint64_t x = pair ? fake_ld2(cpu, va, memop, pgoff) : fake_ld(cpu, va, memop, pgoff);
    cpu->monitor[0] = va;
    return x;
}

static uint64_t fake_stx(void *vcpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop,
                         int32_t pgoff, uint32_t pair)
{
    struct fake_cpu *cpu = vcpu;
    bool mine = cpu->monitor[0] == va;
    cpu->monitor[0] = ~0ull;
    if (!mine)
        return 1;
    if (pair)
        fake_st2(cpu, va, a, b, memop, pgoff);
    else
        fake_st(cpu, va, a, memop, pgoff);
    return 0;
}

/* Leaves nothing of the volatile registers. */
static void clobber(void)
{
    __asm__ volatile("mov $-1, %%r8\n mov $-1, %%r9\n mov $-1, %%r10\n mov $-1, %%r11\n"
                     "mov $-1, %%rsi\n mov $-1, %%rdi\n mov $-1, %%rcx\n mov $-1, %%rdx\n"
                     "pcmpeqd %%xmm0, %%xmm0\n pcmpeqd %%xmm1, %%xmm1\n pcmpeqd %%xmm2, %%xmm2\n"
                     :
                     :
                     : "r8", "r9", "r10", "r11", "rsi", "rdi", "rcx", "rdx", "xmm0", "xmm1", "xmm2",
                       "cc");
}

/* The last page is not in the TLB until somebody asks for it. */
static uint64_t fake_fill(void *vcpu, uint64_t va, uint64_t bytes, uint32_t write, uint32_t first)
{
    struct fake_cpu *cpu = vcpu;
    uint64_t page = va & ~0xfffull;
    struct ir_tlb_entry *entry = &cpu->dtlb[va >> 12 & (FAKE_TLB - 1)];
    cpu->fills++;
    clobber();
    if (((va + bytes - 1) & ~0xfffull) != page)
        return 0;
    if (page == FAKE_BASE + FAKE_SIZE - 0x1000)
        *entry = (struct ir_tlb_entry){
            .rtag = page, .wtag = page, .addend = (uintptr_t)cpu->memory - FAKE_BASE};
    return (write ? entry->wtag : entry->rtag) == page;
}

const struct ir_runtime fake_runtime = {
    fake_ld,   fake_st,   fake_ld2,  fake_st2, fake_ldv, fake_stv, fake_probe,
    fake_zero, fake_fill, fake_atom, fake_cas, fake_ldx, fake_stx,
};

/* --- helpers ---------------------------------------------------------------------------------- */

static uint64_t plain(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    ((struct fake_cpu *)cpu)->misc[1] += a;
    uint64_t sum = a + 3 * b + 7 * c;
    clobber();
    return sum;
}

static uint64_t exact(void *vcpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = vcpu;
    for (unsigned r = 0; r < 31; r++)
        cpu->x[r] = cpu->x[r + 1] ^ a;
    cpu->nzcv = ir_nzcv_store((unsigned)b & 15);
    cpu->v[1] = cpu->v[0];
    clobber();
    return cpu->x[31];
}

static uint64_t maybe_raise(void *vcpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = vcpu;
    if ((a & 7) == 0) {
        cpu->raised = 1;
        cpu->x[31] ^= 0x5555;
        cpu->misc[2] = cpu->x[0] + cpu->x[20] + cpu->pc;
    }
    clobber();
    return a - b;
}

static void plain_v(void *cpu, union v128 v[4], uint32_t aux)
{
    v[0].d[0] = v[1].d[0] + v[2].d[1] + aux;
    v[0].d[1] = v[3].d[0];
    clobber();
}

static void exact_v(void *vcpu, union v128 v[4], uint32_t aux)
{
    struct fake_cpu *cpu = vcpu;
    cpu->v[3].d[0] ^= v[1].d[0];
    cpu->x[1] += aux;
    v[0] = v[2];
    clobber();
}

const struct ir_helper fake_helpers[FAKE_HELPERS] = {
    {.name = "plain", .fn = plain},
    {.name = "exact", .fn = exact, .flags = IR_HELPER_READS_R | IR_HELPER_WRITES_R},
    {.name = "maybe_raise", .fn = maybe_raise, .flags = IR_HELPER_RAISES},
    {.name = "plain_v", .fnv = plain_v},
    {.name = "exact_v", .fnv = exact_v, .flags = IR_HELPER_READS_R | IR_HELPER_WRITES_R},
};

/* --- setting up ------------------------------------------------------------------------------- */

void fake_init(struct fake_cpu *cpu)
{
    cpu->pc_page = 0xffff800012345000ull;
    cpu->tlb = cpu->dtlb;
    cpu->tlb_mask = (FAKE_TLB - 1) * sizeof(struct ir_tlb_entry);
    cpu->itlb = cpu->ctlb;
    cpu->itlb_mask = (FAKE_TLB - 1) * sizeof(struct ir_itlb_entry);
    for (unsigned k = 0; k < FAKE_TLB; k++) {
        cpu->dtlb[k] = (struct ir_tlb_entry){.rtag = 1, .wtag = 1};
        cpu->ctlb[k] = (struct ir_itlb_entry){.tag = 1, .open = 1};
    }
    for (unsigned k = 0; k < IR_PAGE_SLOTS; k++)
        cpu->slots[k].page = IR_NO_PAGE;
    for (unsigned page = 0; page < 3; page++) {
        uint64_t va = FAKE_BASE + 0x1000 * page;
        cpu->dtlb[va >> 12 & (FAKE_TLB - 1)] =
            (struct ir_tlb_entry){.rtag = va,
                                  .wtag = page < 2 ? va : va | 1,
                                  .addend = (uintptr_t)cpu->memory - FAKE_BASE};
    }
    for (unsigned k = 0; k < IR_RSTACK; k++)
        cpu->rstack[k].va = 1;
}

uint8_t *fake_code(void)
{
    void *p = mmap(NULL, FAKE_CODE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                   -1, 0);
    return p == MAP_FAILED ? NULL : p;
}
