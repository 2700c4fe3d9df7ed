/* SPDX-License-Identifier: Apache-2.0 */
/* How emitters of accesses get from a guest's address to the host's. */
#ifndef ARMVM_ENGINE_X64_CHECK_H
#define ARMVM_ENGINE_X64_CHECK_H

#include "engine/x64/emit.h"

/* A guest address as base register + displacement. */
struct address {
    unsigned base;
    int32_t disp;
    ir_ref value; /* of the base */
};

/* The registers of a check. */
struct check {
    unsigned entry, tag; /* tag: free until the access; NOREG if nothing needs it */
    struct group *group; /* or NULL */
    bool member;         /* of a group whose head has looked */
    bool write;          /* what to ask the TLB for */
    unsigned align;      /* alignment that is asked of the address, less one */
    int slot;            /* page slot, or -1 */
};

/* The `hi` (op: IR_HI or IR_HIV) of the pair v, if anybody wants it, or IR_NONE. */
ir_ref chk_second(const struct x64 *x, ir_ref v, unsigned op);
struct address chk_address(struct x64 *x, ir_ref v);
/* The slow path of the access at hand: data operands are arg[1] and arg[2]. */
struct cold *chk_slow(struct x64 *x, struct address a);
/* Nothing is fast about this access, or what it does lacks a user TLB: always the slow path. */
bool chk_always_slow(const struct x64 *x, unsigned memop);
void chk_go_slow(struct x64 *x, struct cold *c);
/* First of all: puts EFLAGS by, unless the access leaves them alone. whole as for chk_begin. */
void chk_flags(struct x64 *x, unsigned whole);
/* Before the result's register is chosen. whole: bytes that have to be aligned as one if the
 * operation asks for that, or 0; spare: k.tag is wanted for the data. */
struct check chk_begin(struct x64 *x, struct address a, bool write, unsigned whole, bool spare);
/* Leaves the addend in k->entry: the host's address is entry + a.base + a.disp. c is the access's
 * slow path; whoever calls this goes on with the access and cg_cold_resume. */
void chk_look(struct x64 *x, struct cold *c, const struct check *k, struct address a,
              unsigned bytes);

#endif
