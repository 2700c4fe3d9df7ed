/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The intermediate representation: what a front end says guest code means, and what the
 * interpreter runs and an emitter turns into host code.
 *
 * A region is a list of basic blocks over one linear array of instructions. Values are SSA: an
 * instruction's index names its result. A value is used only in the block that defines it; what
 * crosses blocks goes through CPU state (get/put), which is exact at every `insn` marker.
 * The operations stand in ops.def; ir_ops.h (generated) has the enum and the builder functions
 * `ir_ref ir_NAME(struct ir *, [type], args..., [aux], [imm])`: type where the row has an 'i', aux
 * and imm where the row names them.
 */
#ifndef ARMVM_ENGINE_IR_IR_H
#define ARMVM_ENGINE_IR_IR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/v128.h"

typedef uint16_t ir_ref; /* index of an instruction, as the name of its value */
#define IR_NONE ((ir_ref)0xffff)

enum ir_type { IR_VOID, IR_I32, IR_I64, IR_V128, IR_FLAGS };

#include "ir_ops.h" /* enum ir_op, builders; generated from ops.def */

enum {
    IR_MAX_INSNS = 8192,
    IR_MAX_BLOCKS = 256,
};

struct ir_insn {
    uint16_t op;  /* enum ir_op */
    uint8_t type; /* enum ir_type: what the row's 'i' stands for; in a row without 'i', of the
                   * result, or of the last argument where there is no result */
    uint16_t aux;
    ir_ref arg[3];
    uint16_t uses; /* how many arguments name this value (kept by ir_count_uses) */
    int64_t imm;
};

struct ir_block {
    uint16_t first; /* index of the first instruction */
    uint16_t end;   /* one past the terminator */
    int32_t pgoff;  /* guest code this block begins with */
};

struct ir {
    struct ir_insn *insn; /* room for IR_MAX_INSNS */
    unsigned count;
    struct ir_block *block; /* room for IR_MAX_BLOCKS; block 0 is the entry */
    unsigned blocks;
    bool overflow; /* the builder ran out of room: the region must be cut shorter */
    bool open;     /* the current block lacks its terminator */
    bool counted;  /* `uses` are up to date */
    bool careful;  /* each access is to be checked by itself */
    unsigned first_slot; /* page slots are dealt out from here; 0: by where the region begins */
    unsigned current; /* the block begun last */
};

/* --- memory operations: the aux field ---------------------------------------------------------*/

#define IR_MEM_SIZE(memop) ((memop)&7u)         /* log2 of the bytes of one element, 0..4 */
#define IR_MEM_BYTES(memop) (1u << IR_MEM_SIZE(memop))
#define IR_MEM_SIGNED    0x0008u /* sign-extend what is loaded */
#define IR_MEM_ACQUIRE   0x0010u /* LDAR, LDAPR, A forms */
#define IR_MEM_RELEASE   0x0020u /* STLR, L forms: the store drains before a later acquire */
#define IR_MEM_ALIGN     0x0040u /* must be aligned to the whole access, whatever SCTLR.A says */
#define IR_MEM_UNPRIV    0x0080u /* LDTR/STTR: as if at EL0 */
#define IR_MEM_BE        0x0100u /* big-endian data */
#define IR_MEM_WRITE     0x0200u /* probe: as a store */
#define IR_MEM_ATOMIC    0x0800u /* services only: of an atomic or exclusive access */
#define IR_MEM_NORMAL    0x1000u /* services only: faults on Device memory */
#define IR_MEM_ALIGN_EL  0x0400u /* aligned to one element (SCTLR.A set) */
/* Hints: as a rule it is in the page that it was in the last time, or is not. Services do not see
 * them. */
#define IR_MEM_STEADY    0x2000u
#define IR_MEM_ROVING    0x4000u
#define IR_MEM_HINTS     (IR_MEM_STEADY | IR_MEM_ROVING)

enum ir_atom { /* imm of `atom` */
    IR_ATOM_ADD, IR_ATOM_CLR, IR_ATOM_EOR, IR_ATOM_SET, /* CLR: old & ~b */
    IR_ATOM_SMAX, IR_ATOM_SMIN, IR_ATOM_UMAX, IR_ATOM_UMIN, IR_ATOM_SWP,
};

enum { IR_ZERO_BYTES = 64 }; /* of `zero`: DC ZVA's block, DCZID_EL0.BS = 4 */
/* A remainder is made of UDIV and MSUB when its quotient is no farther, and back ends that divide
 * once for both must look as far. */
enum { IR_REMAINDER_WINDOW = 16 };
enum ir_fence { IR_FENCE_LOAD, IR_FENCE_STORE, IR_FENCE_FULL };
enum ir_icc { IR_ICC_EQ, IR_ICC_NE, IR_ICC_LTU, IR_ICC_LEU, IR_ICC_LTS, IR_ICC_LES };
/* aux of side exits: the condition or the bit's number, and whether the way out goes back. */
#define IR_SIDE_POLL      0x0100u
#define IR_SIDE_WHAT(aux) ((aux)&0xffu)
enum ir_jump { IR_JUMP_PLAIN, IR_JUMP_CALL, IR_JUMP_RET }; /* aux of `exitr`, with the landing */
/* How a branch lands, 1..3, where the target's page may mind (struct ir_itlb_entry); 0: not asked. */
#define IR_JUMP_KIND(aux)     ((aux)&3u)
#define IR_JUMP_LANDING(aux)  ((aux) >> 2 & 3u)
#define IR_LANDING(landing)   ((landing) << 2)

/* --- vector and FP operations that say `vform`: the aux field ---------------------------------*/

#define IR_VFORM_ESZ(aux)   ((aux)&3u) /* log2 of the bytes of a lane */
#define IR_VFORM_LANES(aux) ((aux)&0x0cu)
#define IR_LANES_128        0x0000u /* the whole vector */
#define IR_LANES_64         0x0004u /* its low half */
#define IR_LANES_1          0x0008u /* lane 0 */
#define IR_FMA_NEG_A        0x0010u /* fma: (-a) * b + c; negation flips the sign of NaNs too */
#define IR_FMA_NEG_C        0x0020u /* fma: a * b + (-c) */
#define IR_FP_SLOW          0x0100u /* FPCR may not be 0: call the evaluator */

enum ir_round { /* low bits of imm; 0..3 are FPCR.RMode's values */
    IR_ROUND_TIEEVEN, IR_ROUND_POSINF, IR_ROUND_NEGINF, IR_ROUND_ZERO,
    IR_ROUND_TIEAWAY, IR_ROUND_FPCR,
};
#define IR_ROUND(imm)      ((unsigned)(imm)&7u)
#define IR_ROUND_EXACT     0x08 /* frint: raises Inexact */
#define IR_RINT_BITS(imm)  ((unsigned)(imm) >> 8) /* frintn: the result fits 32 or 64 bits */
#define IR_RINT_SHIFT      8
#define IR_CVT_UNSIGNED    0x08 /* the integer is unsigned */
#define IR_CVT_FBITS(imm)  ((unsigned)((imm) >> 8) & 0x7fu) /* fixed point: fraction bits */
#define IR_CVT_FBITS_SHIFT 8

/* --- meaning of pure operations ---------------------------------------------------------------*/

union ir_value {
    uint64_t x; /* i32: the low 32 bits count */
    union v128 v;
};

/* The floating-point environment in CPU state. */
struct ir_fpenv {
    uint32_t fpcr;
    uint32_t fpsr; /* cumulative bits, QC included, in FPSR's positions */
};

/*
 * v[0] receives the result, v[1..3] are the arguments; flags values are held as NZCV in bits 3:0
 * (N = bit 3). attr = type | aux << 8. This is the one definition of what a pure or fp operation
 * does: the interpreter calls it, constant folding calls it, and an emitter calls it for whatever
 * it has no shorter code for.
 */
typedef void ir_eval_fn(union ir_value v[4], int64_t imm, uint32_t attr, struct ir_fpenv *fp);

/* NULL for operations that are neither pure nor fp. */
extern ir_eval_fn *const ir_eval_table[];

struct ir_op_info {
    const char *name;
    char result;         /* one of w x i v f - */
    char args[4];
    uint8_t nargs;
    uint8_t klass;       /* enum ir_class */
    uint8_t aux, imm;    /* enum ir_field: what they may hold, for the verifier */
    bool vectors;        /* a v128 is among the arguments or the result */
};
/* What a row's aux and imm columns name (see ops.def). */
enum ir_field {
    IR_FIELD_NONE, IR_FIELD_ANY, IR_FIELD_ESZ, IR_FIELD_COND, IR_FIELD_MEMOP, IR_FIELD_BLOCK,
    IR_FIELD_BLOCKS, IR_FIELD_PGOFF, IR_FIELD_OFFSET, IR_FIELD_HELPER, IR_FIELD_ICC, IR_FIELD_FENCE,
    IR_FIELD_BITNO, IR_FIELD_NZCV, IR_FIELD_LANE, IR_FIELD_LANES, IR_FIELD_WIDTH, IR_FIELD_LSB,
    IR_FIELD_LEN, IR_FIELD_SHIFT, IR_FIELD_SHIFT1, IR_FIELD_SHIFTW, IR_FIELD_BOOL, IR_FIELD_0_15,
    IR_FIELD_ATOM, IR_FIELD_JUMP, IR_FIELD_SIDE,
};
enum ir_class { IR_PURE, IR_FP, IR_STATE, IR_MEM, IR_CTL, IR_MISC };
extern const struct ir_op_info ir_op_info[];

static inline bool ir_is_side(unsigned op)
{
    return op == IR_SIDEF || op == IR_SIDEZ || op == IR_SIDENZ || op == IR_SIDESET ||
           op == IR_SIDECLR;
}

/* The type of what an instruction yields, IR_VOID if nothing. */
static inline enum ir_type ir_result_type(const struct ir_insn *insn)
{
    switch (ir_op_info[insn->op].result) {
    case 'w':
        return IR_I32;
    case 'x':
        return IR_I64;
    case 'v':
        return IR_V128;
    case 'f':
        return IR_FLAGS;
    case 'i':
        return (enum ir_type)insn->type;
    default:
        return IR_VOID;
    }
}

/* Whether an Arm condition (0..15) holds for NZCV in bits 3:0. Manual, ConditionHolds(). */
bool ir_cond_holds(unsigned cond, unsigned nzcv);

/* What `atom` on `bits` leaves in memory, for struct ir_runtime's functions; bits above are
 * undefined. */
uint64_t ir_atom_result(enum ir_atom kind, uint64_t old, uint64_t b, unsigned bits);

/* --- helpers a front end lends ----------------------------------------------------------------*/

enum {
    IR_HELPER_RAISES = 1,   /* may take an exception: pc is stored before, `raised` tested after */
    IR_HELPER_READS_R = 2,  /* reads general registers, flags or vectors through CPU state */
    IR_HELPER_WRITES_R = 4, /* writes them */
    IR_HELPER_PURE = 8,     /* may be dropped if its result is unused */
    /* What an emitter may do by itself as long as nothing is wrong: see struct ir_seal. */
    IR_HELPER_SEAL = 16,
    IR_HELPER_OPEN = 32,
    IR_HELPER_KEY_SHIFT = 8, /* with these: which key, 0..3 */
};
#define IR_HELPER_KEY(flags) ((flags) >> IR_HELPER_KEY_SHIFT & 3u)

/*
 * In CPU state, for pointers that carry a code in some of their bits (helpers' a), which depends on
 * a modifier (b). mask: which bits these are, by key; of pointers with bit 55 set, then without.
 * plain(a) is a with these bits equal to bit 55.
 *   seal: a = plain(a): yields a ^ (ir_seal_hash(a, b, key) & mask); else the helper knows
 *   open: a = plain(a) ^ (ir_seal_hash(plain(a), b, key) & mask): yields plain(a); else the helper
 */
struct ir_seal {
    uint64_t mask[4][2];
    union v128 key[4];
};
uint64_t ir_seal_hash(uint64_t a, uint64_t b, union v128 key);

struct ir_helper {
    const char *name;
    uint64_t (*fn)(void *cpu, uint64_t a, uint64_t b, uint64_t c);            /* for `call` */
    void (*fnv)(void *cpu, union v128 v[4], uint32_t aux);                    /* for `callv` */
    unsigned flags;
};

/* --- what running code needs to know of CPU state ----------------------------------------------*/

/* Byte offsets into CPU state. All lie within the first 32 KiB. */
struct ir_layout {
    int32_t pc_page;   /* u64: virtual address of the page the running region lies in */
    int32_t pc;        /* u64: written when leaving translated code, before calls that may raise */
    int32_t nzcv;      /* u16: flags in the host-friendly form, see IR_NZCV_* */
    int32_t raised;    /* u32: non-zero after a call that took an exception */
    int32_t attention; /* u32: non-zero when the vCPU thread must leave translated code */
    int32_t fpenv;     /* struct ir_fpenv */
    int32_t scratch;   /* union ir_value[4], 16-byte aligned: arguments of called evaluators */
    int32_t second;    /* union ir_value: second result of runtime calls (`hi`, `hiv`) */
    int32_t tlb;       /* struct ir_tlb_entry *: data TLB of the current context */
    int32_t tlb_mask;  /* u64: (entries - 1) * sizeof(struct ir_tlb_entry) */
    int32_t itlb;      /* struct ir_itlb_entry *: instruction TLB of the current context */
    int32_t itlb_mask; /* u64: (entries - 1) * sizeof(struct ir_itlb_entry) */
    int32_t rstack;    /* struct ir_rstack_entry[IR_RSTACK]: shadow return stack */
    int32_t rstack_top;/* u32: byte offset of the current entry */
    int32_t monitor;   /* struct ir_monitor */
    int32_t x0;        /* u64[32]: general registers (31: SP of the current EL) */
    int32_t v0;        /* union v128[32] */
    /* The same as tlb and tlb_mask for IR_MEM_UNPRIV; 0: there is none, such accesses are slow. */
    int32_t utlb, utlb_mask;
    int32_t slots;      /* struct ir_page_slot[IR_PAGE_SLOTS]; 0: there are none */
    int32_t slots_used; /* u8 for each IR_SLOT_GROUP of them: 1 is written when one is filled */
    int32_t seal; /* struct ir_seal; 0: there is none, helpers do it all */
    /* u8: written when the run-time system is to look up where a branch with a landing leads. */
    int32_t landing;
};

/*
 * NZCV at rest, as LAHF and SETO leave them in ax: bit 15 N, bit 14 Z, bit 8 C (Arm's polarity:
 * set when a subtraction does not borrow), bit 0 V; the other bits are undefined.
 */
static inline unsigned ir_nzcv_load(uint16_t rest)
{
    return (rest >> 15 & 1) << 3 | (rest >> 14 & 1) << 2 | (rest >> 8 & 1) << 1 | (rest & 1);
}

static inline uint16_t ir_nzcv_store(unsigned nzcv)
{
    return (uint16_t)((nzcv >> 3 & 1) << 15 | (nzcv >> 2 & 1) << 14 | (nzcv >> 1 & 1) << 8 |
                      (nzcv & 1));
}

#define IR_PAGE_BITS 12
#define IR_PAGE_SIZE 4096u

/*
 * Soft TLB entry for one 4 KiB page, at index (va >> 12) & mask. An access of n bytes hits when
 * ((va + n - 1) & ~0xfff) equals the tag (rtag for loads, wtag for stores): a crossing misses.
 * A tag with any of its low 12 bits set never hits: absent, or what needs the slow path (MMIO,
 * watchpoints, Device memory, pages that are read-only or not yet dirty).
 */
struct ir_tlb_entry {
    uint64_t rtag;
    uint64_t wtag;
    uint64_t addend; /* host address = va + addend */
    uint64_t attr;   /* the engine's own */
};

/*
 * The page that an access in a loop found last. Loops look there before they look into the TLB: the
 * address is then not needed to find where the page is, only to check that it is in it. Whoever
 * drops TLB entries empties the slots.
 */
struct ir_page_slot {
    uint64_t page;   /* virtual address, or IR_NO_PAGE */
    uint64_t addend; /* host address = va + addend */
};
enum { IR_PAGE_SLOTS = 512, IR_SLOT_GROUP = 16 };
/* Bit 55 says which half an address belongs to, and 54 to 52 are clear there: translates nowhere
 * (manual D8.1.7: bits 55 to 52 at least must be equal). */
#define IR_NO_PAGE (1ull << 55)

/* Instruction TLB entry: where the translations of a page are. */
struct ir_itlb_entry {
    uint64_t tag;     /* page's virtual address; low bits set: absent */
    /* 1024 host entry points, by (va & 0xfff) >> 2, never NULL (see x64.h); behind them as many
     * bytes: bit n says that landing n is known to be allowed there. */
    void **table;
    uint32_t page_id; /* names the physical page in this mode; 0 never matches */
    uint32_t attr;    /* the engine's own */
    uint64_t open;    /* the tag for branches with a landing: low bits set where pads must be asked */
};
enum { IR_PADS = 8 * 1024 };

enum { IR_RSTACK = 32 };
struct ir_rstack_entry {
    uint64_t va; /* return address; 1 when empty (never equals a fetch address that is valid) */
    void *host;  /* where its translation starts, valid as long as the entry stands */
};

/* The exclusive monitor of one vCPU: LDXR records, STXR compares and swaps. */
struct ir_monitor {
    uint64_t addr; /* which memory: an address of the runtime's choice, ~0 when open */
    uint64_t size; /* bytes */
    uint64_t value[2];
};

/*
 * Services that running code calls: slow paths of memory operations (also the interpreter's only
 * path). Each takes the page offset of the guest instruction, sets `raised` if it took an
 * exception, and does its own attention checks nowhere: polling is explicit in the IR.
 */
struct ir_runtime {
    uint64_t (*ld)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff);
    void (*st)(void *cpu, uint64_t va, uint64_t value, uint32_t memop, int32_t pgoff);
    /* Pairs: ld2 returns the first and leaves the second in layout.second. */
    uint64_t (*ld2)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff);
    void (*st2)(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff);
    /* Vectors go through layout.scratch: loads leave v[0] (and v[1]), stores take v[1] (and
     * v[2]). */
    void (*ldv)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count);
    void (*stv)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t count);
    void (*probe)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t len);
    /* Zeroes IR_ZERO_BYTES at va; a fault's address is `named`, within the block. */
    void (*zero)(void *cpu, uint64_t va, uint64_t named, int32_t pgoff);
    /* Whether the data TLB has the page that all bytes from va on lie in, to read or to write; it is
     * filled if it can be. False if they lie in two pages. Takes no exception; first: the access
     * that is about to be done is a write. */
    uint64_t (*fill)(void *cpu, uint64_t va, uint64_t bytes, uint32_t write, uint32_t first);
    uint64_t (*atom)(void *cpu, uint64_t va, uint64_t b, uint32_t memop, int32_t pgoff,
                     uint32_t kind);
    uint64_t (*cas)(void *cpu, uint64_t va, uint64_t b, uint64_t c, uint32_t memop, int32_t pgoff);
    uint64_t (*ldx)(void *cpu, uint64_t va, uint32_t memop, int32_t pgoff, uint32_t pair);
    uint64_t (*stx)(void *cpu, uint64_t va, uint64_t a, uint64_t b, uint32_t memop, int32_t pgoff,
                    uint32_t pair);
};

/* --- building, checking, printing, improving, interpreting -------------------------------------*/

struct ir *ir_create(void);       /* NULL when out of memory */
void ir_destroy(struct ir *ir);
void ir_clear(struct ir *ir);     /* empties it for the next region */
struct ir *ir_clone(const struct ir *ir); /* exact-size copy (interpreter); NULL: no memory */

/* Opens a block at guest page offset pgoff and returns its number; the previous one must have
 * been ended by a terminator. Blocks may be branched to before they are opened: reserve first. */
unsigned ir_block_reserve(struct ir *ir, int32_t pgoff);
void ir_block_begin(struct ir *ir, unsigned block);
bool ir_block_open(const struct ir *ir); /* the current block lacks its terminator */

/* Appends an instruction; the generated builders call this. */
ir_ref ir_emit(struct ir *ir, enum ir_op op, enum ir_type type, ir_ref a, ir_ref b, ir_ref c,
               unsigned aux, int64_t imm);

/* Checks types, ranges, dominance and termination. NULL if sound, else what is wrong (in buf). */
const char *ir_verify(const struct ir *ir, const struct ir_helper *helpers, unsigned nhelpers,
                      char *buf, size_t size);
void ir_print(const struct ir *ir, const struct ir_helper *helpers, FILE *out);

struct ir_opt_config {
    bool forward;    /* get after put of the same offset; constants folded; copies removed */
    bool dead;       /* unused pure operations; puts and flags that nobody can see */
    bool as_written; /* forward: pure operations stay what they are */
};
/* Improves a region in place; keeps CPU state exact at every point where it can be seen (mem, misc
 * calls that raise or read, exits). Fills `uses`. */
void ir_optimise(struct ir *ir, const struct ir_layout *layout, const struct ir_helper *helpers,
                 const struct ir_opt_config *config);
void ir_count_uses(struct ir *ir); /* nothing to do after ir_optimise() */

enum ir_left { IR_LEFT_DIRECT, IR_LEFT_INDIRECT, IR_LEFT_STATE, IR_LEFT_ATTENTION, IR_LEFT_RAISED };
struct ir_leave {
    enum ir_left how;
    uint64_t target; /* guest virtual address to go on at (not for RAISED: pc is set) */
};

/*
 * Runs a region from block 0 to an exit, needing some 130 KiB of stack. `pushret` does nothing
 * here. pc is written in every case: `exitx` leaves as IR_LEFT_STATE with what is in pc already.
 */
struct ir_leave ir_interpret(const struct ir *ir, void *cpu, const struct ir_layout *layout,
                             const struct ir_runtime *runtime, const struct ir_helper *helpers);

#endif
