/* SPDX-License-Identifier: Apache-2.0 */
/* Front ends: guest code to IR. */
#ifndef ARMVM_ENGINE_FRONT_FRONT_H
#define ARMVM_ENGINE_FRONT_FRONT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/ir/ir.h"

struct arm_features;

/*
 * The mode bits that translations depend on, together with the physical page: what an instruction
 * means must follow from its bytes, its offset in the page and this word alone.
 */
enum {
    FRONT_EL1 = 1u << 0,     /* executing at EL1 (else EL0) */
    FRONT_SPSEL = 1u << 1,   /* PSTATE.SP at EL1 */
    FRONT_BE = 1u << 2,      /* big-endian data (SCTLR.EE or E0E) */
    FRONT_FPCR = 1u << 3,    /* FPCR is not in its default state: FP through evaluators */
    FRONT_FP_TRAP = 1u << 4, /* FP/SIMD traps at this EL (CPACR_EL1.FPEN) */
    FRONT_ALIGN = 1u << 5,   /* SCTLR.A: alignment checking */
    FRONT_STEP = 1u << 6,    /* software step active: one instruction a region, then leave */
    FRONT_SA = 1u << 7,      /* SP alignment checks are on at this EL and SP is not aligned now:
                                code without it leaves (exits) after it has misaligned SP */
    FRONT_DZE = 1u << 8,     /* DC ZVA at EL0 allowed (EL1: always set) */
    FRONT_UCT = 1u << 9,     /* EL0 reads of CTR_EL0 allowed (EL1: always set) */
    FRONT_UCI = 1u << 10,    /* EL0 cache maintenance allowed (EL1: always set) */
    FRONT_UMA = 1u << 11,    /* EL0 may access DAIF (EL1: always set) */
    FRONT_NTWI = 1u << 12,   /* WFI does not trap (EL1: always set) */
    FRONT_NTWE = 1u << 13,   /* WFE does not trap (EL1: always set) */
    FRONT_BREAK = 1u << 14,  /* the page has breakpoints: a check before each instruction */
    FRONT_PAN = 1u << 15,    /* PSTATE.PAN (selects the TLB context; no code depends on it) */
    FRONT_UAO = 1u << 16,    /* PSTATE.UAO: LDTR/STTR behave as LDR/STR at EL1 */
    FRONT_NAA = 1u << 17,    /* reserved: SCTLR.nAA */
    FRONT_MSC = 1u << 19,    /* CPY and SET are not UNDEFINED (EL0: SCTLR.MSCEn; EL1: always set) */
    FRONT_GUARDED = 1u << 22, /* of a page: GP, indirect branches land where they may only */
    FRONT_BT = 1u << 23,      /* SCTLR.BT0 or BT1: PACIASP is no pad for BTYPE = 0b11; of guarded
                                 pages only */
    FRONT_CAREFUL = 1u << 25, /* of a region: one block, each access checked by itself */
    FRONT_COUNT = 1u << 24,   /* instructions are counted (a performance monitor) */
};

enum { FRONT_MAX_SEEN = 512 };

/* How a conditional branch went while its page was watched; and, added to that, whether another
 * superblock begins with the instruction, and whether it accesses the same page again and again or
 * others. */
enum front_way {
    FRONT_WAY_UNKNOWN,
    FRONT_WAY_TAKEN,
    FRONT_WAY_NEXT,
    FRONT_WAY_HEAD = 4,
    FRONT_WAY_STEADY = 8,
    FRONT_WAY_ROVING = 16
};
#define FRONT_WAY(way) ((way)&3u)

struct front_region {
    const uint8_t *code; /* the guest page's 4096 bytes as they are now, readable for the call */
    uint32_t pgoff;      /* where the region begins, a multiple of 4 below 4096 */
    uint32_t mode;       /* FRONT_* */
    unsigned max_insns;  /* 1..64; the interpreter and tests may ask for 1 */
    const struct arm_features *features;
    /* Entry points that the page has already, by pgoff / 4: those that differ from `empty` are
     * left to as soon as straight code or a branch forward reaches them. NULL: none. */
    void *const *entries;
    const void *empty;
    /*
     * For a superblock, else NULL: which way each conditional branch goes as a rule, enum front_way
     * by pgoff / 4. It begins at pgoff, follows direct branches within the page, leaves where a
     * conditional one goes the other way, and ends where a way is not known, the page is left or
     * something else than a direct branch comes, another superblock begins (but not soon), or,
     * polling, where it is back at its beginning: after the second turn, if that helps.
     * `entries` are not looked at.
     */
    const uint8_t *way;
    unsigned branches; /* result: conditional ones, others only if it goes on where they lead */
    bool closed;       /* result: it came back to its beginning */
    /* result: guest bytes that were translated, as one covering range */
    uint32_t first, last; /* page offsets, last exclusive */
    unsigned insns;
    /* The blocks that begin with a whole instruction, the region's first one included. Nothing but
     * CPU state lives across blocks, so each can serve as an entry point. */
    struct {
        uint16_t pgoff, block;
    } start[64];
    unsigned starts;
    /* What it was made from, and nothing else: the instructions at these page offsets (some may
     * stand here twice). seen above FRONT_MAX_SEEN: there were too many. */
    struct {
        uint16_t pgoff;
        uint32_t insn;
    } see[FRONT_MAX_SEEN];
    unsigned seen;
};

/* Translates a region of A64 code into ir (cleared first). Never fails: an UNDEFINED instruction
 * becomes code that takes the exception. */
void a64_translate(struct front_region *region, struct ir *ir);

/* Which values of PSTATE.BTYPE an instruction in a guarded page is compatible with, bit n for n
 * (manual C6.2, BTI; BTypeCompatible_BTI() and others). */
unsigned a64_landing_pads(uint32_t insn, uint32_t mode, const struct arm_features *features);

/* The helpers that A64 translations call; constant for the life of the program. */
extern const struct ir_helper a64_helpers[];
extern const unsigned a64_nhelpers;

/* Offsets in struct arm_cpu, for the back ends. */
extern const struct ir_layout a64_layout;

#endif
