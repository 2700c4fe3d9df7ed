/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The code generator's insides: the state of one compilation, the register allocator's interface
 * and the emitters' table.
 *
 * Allocation is one pass over the region. Where a value is found is a set of places (AT_*); a value
 * lives in its block only, so everything is forgotten at a block's end but the pinned registers.
 * Emitters get operands with ra_use and friends, results with ra_def; everything they got stays
 * locked until the end of the IR instruction.
 */
#ifndef ARMVM_ENGINE_X64_CG_H
#define ARMVM_ENGINE_X64_CG_H

#include "engine/ir/ir.h"
#include "engine/x64/enc.h"
#include "engine/x64/x64.h"

/* The host stack frame below running code, from rsp; rsp is 16-byte aligned in regions. */
enum {
    FRAME_LOCK = 0,   /* a word for `lock or` */
    FRAME_SAVE = 8,   /* temps saved around slow paths: 8 bytes by register number, rax..rdi */
    FRAME_SPILL = 80, /* spilled integers and flags */
    SPILLS = 64,
    FRAME_XSAVE = FRAME_SPILL + 8 * SPILLS, /* vector temps saved around slow paths */
    FRAME_XSPILL = FRAME_XSAVE + 16 * 16,
    XSPILLS = 32,
    FRAME_SIZE = FRAME_XSPILL + 16 * XSPILLS + 8,
};

/* Registers nobody pins. rax, rcx and rdx come last: they have fixed uses. */
enum { TEMPS = 1 << RAX | 1 << RCX | 1 << RDX | 1 << RSI | 1 << RDI };
enum { STATE_BIAS = 128 }; /* rbp = cpu + 128 */

/* Which general register of the guest is pinned to which host register. */
struct x64_pin {
    uint8_t guest, host;
};
enum { PINS = 8 };
extern const struct x64_pin x64_pins[PINS];

enum thunk {
    THUNK_LEAVE,      /* pins are live: save them, leave */
    THUNK_LEAVE_AT,   /* the same, rax is the pc */
    THUNK_LEAVE_BARE, /* pins are saved already */
    THUNK_LINK,       /* rax target, edx link number */
    THUNK_MISS,       /* rax target */
    THUNK_INDIRECT,   /* rax target: through the instruction TLB */
    THUNK_LAND,       /* rax target of a branch with landing 1, which is not open to all */
    THUNK_LAND_3 = THUNK_LAND + 2,
    THUNK_CALL,       /* eax pointer's offset in the helpers' table, rsi rdx rcx arguments;
                         registers are not looked at */
    THUNK_CALL_EXACT, /* function sees and changes registers */
    THUNK_CALL_RAISE, /* the same, and may raise: edi page offset */
    THUNK_EVAL,       /* eax pointer's offset in ir_eval_table, rsi imm, edx attr: rdi scratch, rcx
                         fpenv */
    /* Slow paths: rsi rdx rcx, then eax edi for the fifth and sixth argument. */
    THUNK_LD,
    THUNK_ST,
    THUNK_LD2,
    THUNK_ST2,
    THUNK_LDV,
    THUNK_STV,
    THUNK_PROBE,
    THUNK_ZERO,
    THUNK_FILL,
    THUNK_ATOM,
    THUNK_CAS,
    THUNK_LDX,
    THUNK_STX,
    THUNKS
};

struct x64;
typedef void emit_fn(struct x64 *x, ir_ref v);

/* Constants for vector code, near the thunks. */
enum pool {
    POOL_BYTES_70, /* every byte 70h */
    POOL_BYTES_40,
    POOL_LOW_BYTES, /* 00ffh */
    POOL_LOW_WORDS, /* 0000ffffh */
    POOL_SIGN_BYTES,
    POOL_SIGN_WORDS,
    POOL_SIGN_DWORDS,
    POOL_SIGN_QWORDS,
    POOL_LOW_NIBBLES,
    POOL_NIBBLE_ONES,    /* by nibble: how many bits are set */
    POOL_NIBBLE_REVERSE, /* by nibble: reversed, in the upper nibble */
    POOL_NIBBLE_REVERSE_LOW,
    POOL_ABS_SINGLE,
    POOL_ABS_DOUBLE,
    POOL_LEAST_SINGLE, /* the smallest normal number in every lane */
    POOL_LEAST_DOUBLE,
    POOL_SHA1_K0, /* the constants of SHA-1's first three kinds of rounds */
    POOL_SHA1_K1,
    POOL_SHA1_K2,
    POOL_ABS_HALF,
    POOL_LEAST_HALF,
    POOL_INFINITY_HALF,
    POOL_HALF_LOST, /* the bits of a single that a half has no room for */
    POOL_HALF_TIE,  /* the highest of them */
    POOL_HALF_TINY, /* the smallest normal half as a single, less one as an integer */
    POOL_ZERO,
    POOL_MXCSR, /* no flags, all masked, to nearest */
    POOL_REV_8_16,
    POOL_REV_8_32,
    POOL_REV_8_64,
    POOL_REV_16_32,
    POOL_REV_16_64, /* shuffles: lanes, group */
    POOL_COUNT
};

enum {
    AT_CONST = 1, /* an IR_CONST */
    AT_REG = 2,   /* in a temp that belongs to it */
    AT_PIN = 4,   /* what a pinned register holds now */
    AT_STATE = 8, /* what CPU state holds at `off` now; flags: at layout.nzcv */
    AT_SPILL = 16,
    AT_FLAGS = 32, /* in EFLAGS */
    AT_LAZY = 64,  /* computed by its user */
};

/* What is known of the value that an instruction makes. */
struct val {
    uint8_t at;
    uint8_t reg;   /* AT_REG, AT_PIN */
    uint8_t spill; /* AT_SPILL: slot */
    uint8_t mark;  /* MARK_* */
    int16_t off;   /* AT_STATE */
    uint16_t last; /* index of the last user, 0 if none */
    uint16_t uses; /* how many, through representatives */
    ir_ref rep;    /* the value that stands for this one */
    ir_ref pair;   /* MARK_FUSED: the counterpart, a later instruction; side exits and accesses: the
                    * flags that they store, or IR_NONE */
    uint8_t hint;  /* pinned register the result is going to, or NOREG */
    uint8_t type;  /* enum ir_type of the result */
    uint8_t clear; /* vectors: bytes from this one on are zero; 16: none known */
    uint8_t group; /* accesses: 1 + their group, or 0 */
};

/* The part of struct ir_op_info that matters here. */
struct op_traits {
    uint8_t type;  /* of the result; OWN_TYPE: the instruction's */
    uint8_t klass; /* enum ir_class */
    bool useless;  /* may be dropped if its result is unused */
};
enum { OWN_TYPE = 0xff };

/* What the forward and backward scans find out about an instruction. */
enum {
    MARK_LAZY = 1,  /* left to its only user: an address sum, flags under flsel */
    MARK_DONE = 2,  /* emitted together with an earlier one */
    MARK_FUSED = 4, /* does the work of its pair, too */
};

/* Code that is rarely run, emitted behind the region. */
struct cold {
    enum cold_kind {
        COLD_NOTHING, /* turned out not to be needed */
        COLD_MEM,
        COLD_SLOT,
        COLD_GROUP,
        COLD_POLL,
        COLD_LINK,
        COLD_RETURN,
        COLD_SIDE,
        COLD_EVAL,
        COLD_UNORDERED,
    } kind;
    ir_ref insn;
    int32_t pgoff;
    uint32_t from[3]; /* ends of the rel32 of jumps to here; 0: none */
    uint32_t at;      /* where it begins, once it is there */
    uint32_t resume;
    uint8_t base; /* memory: va = base + disp */
    int32_t disp;
    /* COLD_SLOT: the TLB is asked and the slot filled. */
    uint8_t entry, tag, align;
    uint16_t slot, bytes, slow; /* slow: index of what follows if the TLB does not know either */
    bool write;                 /* COLD_SIDE: polls */
    bool by_base;               /* COLD_MEM: the base's page was asked for, */
    uint32_t looked;            /* and here it is found; entry and tag as for COLD_SLOT */
    struct cold_arg {
        uint8_t kind; /* COLD_REG .. */
        uint8_t reg;
        int32_t off;
        int64_t imm;
    } arg[3];                /* data operands */
    struct cold_arg flag[2]; /* flags to store first: as they are, or of a comparison of these */
    bool flag_wide;
    uint8_t dst[2];       /* where results go; NOREG: nowhere */
    uint16_t live, xlive; /* temps to keep */
    uint16_t link;        /* COLD_LINK, COLD_GROUP: index */
};
enum { COLD_NONE, COLD_REG, COLD_CONST, COLD_CPU, COLD_FRAME, COLD_FLAGS, COLD_FLAGS_INVERTED };
enum { MAX_COLD = 2048, MAX_ALIASES = 64, BLOCK_SLOTS = 32, MAX_QUICK = 128, MAX_GROUPS = 128 };

/*
 * Accesses of a block that one check is made for: off one root, near each other. The first of them,
 * the head, looks whether all lie in one page that the TLB knows; the others need no look, only the
 * addend, and leave EFLAGS alone. If it is not so, the block goes on as other code, from the head's
 * instruction on, in which each access is checked by itself (ir->careful). So no slow path is ever
 * taken while a group is open but for accesses that are not aligned as they must be, and what a
 * slow path might do to the page (a store to a device can) is nobody's concern.
 */
struct group {
    ir_ref root;         /* addresses are root + constant */
    uint16_t head, last; /* instructions */
    uint16_t members;
    bool write;        /* at least one member does */
    int64_t offset;    /* of the head's address from the root */
    int32_t low, high; /* bytes from the head's address: the first, one past the last */
    /* Between head and last: where the addend is. */
    bool live, spilled;
    uint8_t reg, spill; /* reg: NOREG if it had to go */
};

struct x64 {
    struct x64_config config;
    struct ir_layout layout;
    struct x64_thunks thunks;
    const uint8_t *thunk[THUNKS];    /* executable view */
    const uint8_t *quick[MAX_QUICK]; /* by helper: what to call in its stead, or NULL; see seal.c */
    struct op_traits traits[IR_OP_COUNT];
    emit_fn *emit[IR_OP_COUNT]; /* cg_eval for what has no emitter */
    int8_t pin_of[32];          /* host register of a guest register, or -1 */
    const uint8_t *pool;        /* struct pool, executable view */
    bool bmi;                   /* BMI1, BMI2, LZCNT, MOVBE: level v3 */

    /* The compilation going on: one at a time. */
    struct enc e;
    const struct ir *ir;
    const struct ir_insn *insn; /* ir->insn */
    unsigned i, block;
    int32_t pgoff; /* of the guest instruction */
    int error;
    uint32_t moved; /* where the allocator last moved a value */
    struct x64_code *code;
    uint32_t first_link;
    uint32_t begun; /* where the block at hand begins */

    ir_ref owner[16], xowner[16]; /* of temps */
    uint32_t locked, xlocked;
    uint64_t spills; /* slots in use */
    uint32_t xspills;
    /* What four rounds of SHA-256 left, as the host's instruction has it, in two registers that are
     * otherwise free: the next rounds begin with that. kept: these registers, 0 if they were taken.
     */
    struct {
        uint32_t kept;
        ir_ref abcd, efgh;
        uint8_t abef, cdgh;
    } rounds;
    ir_ref flags;                   /* the value in EFLAGS, or IR_NONE */
    bool inverted;                  /* CF holds the complement of Arm's C */
    struct group group[MAX_GROUPS]; /* of the region */
    unsigned groups;
    uint8_t group_in[16]; /* by temp: 1 + the group whose addend it has, or 0 */
    /* The page slots of the block's bases, if it is in a loop; slots are dealt out in turn. */
    struct {
        ir_ref base;
        bool write;
        uint16_t slot;
    } paged[BLOCK_SLOTS];
    unsigned pageds, next_slot;
    bool in_loop[IR_MAX_BLOCKS];
    uint32_t restless; /* general registers that loops change in other ways than by small steps */
    ir_ref alias[MAX_ALIASES]; /* values with AT_PIN or AT_STATE */
    unsigned aliases;

    struct val val[IR_MAX_INSNS];
    uint16_t order[IR_MAX_BLOCKS]; /* blocks by where they stand */
    uint32_t label[IR_MAX_BLOCKS];
    struct fixup {
        uint32_t at; /* end of a rel32 */
        uint16_t block;
    } fixup[3 * IR_MAX_BLOCKS];
    unsigned fixups;
    struct cold cold[MAX_COLD];
    unsigned colds;
};

/* --- analysis.c --------------------------------------------------------------------------------
 */
void x64_make_traits(struct x64 *x);
void x64_analyse(struct x64 *x, const struct ir_block *block);
/* Fills in in_loop; of all loops of the region together, restless. */
void x64_find_loops(struct x64 *x);
/* Whether an address is likely to stay in a page from one round of its loop to the next. */
bool x64_is_steady(const struct x64 *x, ir_ref v);
bool x64_is_access(unsigned op); /* a load or store without further effects */
bool x64_is_store(unsigned op);  /* of these */
/* The pinned register that holds general register state at this offset, or -1. */
int x64_pin_at(const struct x64 *x, int32_t off, unsigned bytes);
/* Whether any pinned register's home overlaps. */
bool x64_pin_overlaps(const struct x64 *x, int32_t off, unsigned bytes);

/* --- alloc.c -----------------------------------------------------------------------------------
 */

/* An operand in either of the places an instruction can take it from. */
struct rm {
    bool mem;
    uint8_t reg;
    struct x64_mem m;
};

void ra_block_begin(struct x64 *x);
void ra_insn_end(struct x64 *x);             /* unlocks, frees what died */
bool ra_dies(const struct x64 *x, ir_ref v); /* the current instruction is its last user */
bool ra_const(const struct x64 *x, ir_ref v, int64_t *imm);
bool ra_imm32(const struct x64 *x, ir_ref v, bool wide, int32_t *imm); /* usable as an imm32 */

unsigned ra_use(struct x64 *x, ir_ref v);     /* in a register */
struct rm ra_rm(struct x64 *x, ir_ref v);     /* in a register or in memory, whichever is cheaper */
unsigned ra_temp(struct x64 *x);              /* a scratch register */
void ra_take(struct x64 *x, unsigned reg);    /* this one as a scratch register */
void ra_release(struct x64 *x, unsigned reg); /* gives a scratch back early */
/* The result's register: none of those in use. late: it is written after all arguments are read, so
 * it may be the pinned register of an argument. */
unsigned ra_def(struct x64 *x, ir_ref v, bool late);
/* The result's register with the value of a already in it, other than register `other`. */
unsigned ra_def_copy(struct x64 *x, ir_ref v, ir_ref a, unsigned other);
void ra_def_in(struct x64 *x, ir_ref v, unsigned reg); /* the result is in this scratch register */
void ra_def_state(struct x64 *x, ir_ref v, int32_t off);
void ra_def_pin(struct x64 *x, ir_ref v, unsigned pin);    /* the result is the pin as it is */
void ra_now_in_pin(struct x64 *x, ir_ref v, unsigned pin); /* the pin has been set to it */
void ra_forget_temps(struct x64 *x);                       /* after a C call */
void ra_move_to(struct x64 *x, ir_ref v, unsigned reg);    /* copies the value to a register */
void ra_save_pin(struct x64 *x, unsigned pin);             /* it is about to change */
void ra_state_written(struct x64 *x, int32_t off, unsigned bytes);
void ra_evict_all(struct x64 *x);         /* before a C call */
void ra_detach(struct x64 *x, bool pins); /* no value depends on CPU state any more */
void ra_live(const struct x64 *x, uint16_t *live, uint16_t *xlive); /* temps live after this insn */
void ra_held(const struct x64 *x, uint16_t *live,
             uint16_t *xlive);    /* all that hold something now */
int ra_spill_slot(struct x64 *x); /* for eight bytes */

unsigned ra_xuse(struct x64 *x, ir_ref v);
struct rm ra_xrm(struct x64 *x, ir_ref v);
unsigned ra_xtemp(struct x64 *x);
unsigned ra_xdef(struct x64 *x, ir_ref v);
unsigned ra_xdef_copy(struct x64 *x, ir_ref v, ir_ref a, unsigned other);
void ra_xdef_in(struct x64 *x, ir_ref v, unsigned reg);

/* Memory operand for CPU state at an offset. */
static inline struct x64_mem cpu_mem(int32_t off)
{
    return mem_at(RBP, off - STATE_BIAS);
}

static inline struct x64_mem frame_mem(int32_t off)
{
    return mem_at(RSP, off);
}

/* 64-bit operands: of the result, or of the arguments where the result's type is fixed. */
static inline bool is_wide(const struct ir_insn *insn)
{
    return insn->type == IR_I64;
}

/* --- flags.c ---------------------------------------------------------------------------------- */
bool fl_wanted(const struct x64 *x);        /* EFLAGS hold a value with users still to come */
void fl_clobber(struct x64 *x);             /* EFLAGS are about to change */
void fl_to_rax(struct x64 *x);              /* EFLAGS in the resting form; keeps them */
void fl_rest(struct x64 *x, bool inverted); /* the same, without asking who has rax */
void fl_drop(struct x64 *x);                /* EFLAGS have changed, and nobody minds */
void fl_set(struct x64 *x, ir_ref v, bool inverted);
/* Materialises a value that is needed after this instruction, which may use and change EFLAGS. */
void fl_keep(struct x64 *x, ir_ref v);
/* cmp or test: EFLAGS of a - b. */
void fl_compare(struct x64 *x, ir_ref a, ir_ref b, bool wide);
/* Brings the value into EFLAGS in the wanted polarity. */
void fl_load(struct x64 *x, ir_ref v, bool inverted);
/* The same for the carry alone; EFLAGS then stand for no value unless they did before. */
void fl_load_carry(struct x64 *x, ir_ref v, bool inverted);
/* Makes the condition (0..13) testable and says how. */
enum x64_cc fl_cond(struct x64 *x, ir_ref v, unsigned cond);

/* --- groups.c --------------------------------------------------------------------------------- */
/* Finds the groups of a block (find_representatives and lifetimes being done). */
void x64_find_groups(struct x64 *x, unsigned first, unsigned end);
void grp_block_begin(struct x64 *x);
struct group *grp_at(struct x64 *x); /* the current instruction's, or NULL */
bool grp_is_head(const struct x64 *x, const struct group *g); /* the current one is */
unsigned grp_use(struct x64 *x, struct group *g);             /* the addend in a temp, locked */
void grp_open(struct x64 *x, struct group *g, unsigned reg);  /* a temp that is locked has it now */
void grp_done(struct x64 *x, struct group *g);                /* the current one has used it */
void grp_evict(struct x64 *x, unsigned reg);                  /* somebody wants this temp */

/* --- emitters --------------------------------------------------------------------------------- */
struct cold *cg_cold(struct x64 *x, enum cold_kind kind); /* starts a piece of cold code */
void cg_cold_mem(struct x64 *x, const struct cold *c);
void cg_cold_near(struct x64 *x, const struct cold *c);
void cg_cold_slot(struct x64 *x, const struct cold *c);
void cg_cold_group(struct x64 *x, struct cold *c);
void cg_cold_fp(struct x64 *x, const struct cold *c);
void cg_cold_save(struct x64 *x, const struct cold *c);    /* the temps to keep, to the frame */
void cg_cold_reload(struct x64 *x, const struct cold *c);  /* and back; EFLAGS stay */
void cg_cold_restore(struct x64 *x, const struct cold *c); /* the same, and resumes */
void cg_cold_arg(struct x64 *x, struct cold_arg *arg, ir_ref v);
/* The flags that CPU state lacks, as they are now; and the code that stores them. */
void cg_cold_note_flags(struct x64 *x, struct cold *c);
void cg_cold_flags(struct x64 *x, const struct cold *c);
void cg_cold_resume(struct x64 *x, struct cold *c); /* here; what is live now is kept */
void cg_cold_control(struct x64 *x, struct cold *c);

struct x64_mem cg_pool(const struct x64 *x, enum pool which);
int x64_make_thunks(struct x64 *x, size_t *used);

/* seal.c. A quick helper: rsi, rdx arguments, ecx page offset; yields rax, changes rcx, rdi, xmm0,
 * xmm1, and where it leaves the quick way, what the helper's call does. */
void x64_make_seals(struct x64 *x);
bool cg_is_quick(const struct x64 *x, unsigned helper);

#endif
