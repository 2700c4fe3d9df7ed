// SPDX-License-Identifier: Apache-2.0
// The dispatch loop of an interpreter of byte code, by switch and by computed goto. The program
// that it runs sums the lengths of Collatz sequences and fills a small table.
#include "integer.h"

enum op { LOAD, MOVE, ADD, ADDI, MUL3, HALF, AND1, JZ, JLT, JMP, GET, PUT, HALT };

struct code {
    uint8_t op, a, b;
    int8_t to;
};

enum { I, N, BIT, STEPS, LIMIT, ONE, T, REGISTERS };

static const struct code program[] = {
    /*  0 */ {LOAD, I, 2, 0},
    /*  1 */ {MOVE, N, I, 0},
    /*  2 */ {MOVE, BIT, N, 0},
    /*  3 */ {AND1, BIT, 0, 0},
    /*  4 */ {JZ, BIT, 0, 3}, // to 7
    /*  5 */ {MUL3, N, 0, 0},
    /*  6 */ {JMP, 0, 0, 2}, // to 8
    /*  7 */ {HALF, N, 0, 0},
    /*  8 */ {ADDI, STEPS, 1, 0},
    /*  9 */ {JLT, ONE, N, -7}, // to 2
    /* 10 */ {GET, T, I, 0},
    /* 11 */ {ADD, T, STEPS, 0},
    /* 12 */ {PUT, T, I, 0},
    /* 13 */ {ADDI, I, 1, 0},
    /* 14 */ {JLT, I, LIMIT, -13}, // to 1
    /* 15 */ {HALT, 0, 0, 0},
};

struct machine {
    uint64_t r[REGISTERS];
    uint64_t table[64];
};

static void by_switch(struct machine *m)
{
    uint64_t *r = m->r;
    for (const struct code *c = program;; c++) {
        switch ((enum op)c->op) {
        case LOAD:
            r[c->a] = c->b;
            break;
        case MOVE:
            r[c->a] = r[c->b];
            break;
        case ADD:
            r[c->a] += r[c->b];
            break;
        case ADDI:
            r[c->a] += c->b;
            break;
        case MUL3:
            r[c->a] = 3 * r[c->a] + 1;
            break;
        case HALF:
            r[c->a] >>= 1;
            break;
        case AND1:
            r[c->a] &= 1;
            break;
        case JZ:
            c += r[c->a] ? 0 : c->to - 1;
            break;
        case JLT:
            c += r[c->a] < r[c->b] ? c->to - 1 : 0;
            break;
        case JMP:
            c += c->to - 1;
            break;
        case GET:
            r[c->a] = m->table[r[c->b] % 64];
            break;
        case PUT:
            m->table[r[c->b] % 64] = r[c->a];
            break;
        case HALT:
            return;
        }
    }
}

static void by_goto(struct machine *m)
{
    static const void *const labels[] = {&&load, &&move, &&add, &&addi, &&mul3, &&half, &&and1,
                                         &&jz,   &&jlt,  &&jmp, &&get,  &&put,  &&halt};
    uint64_t *r = m->r;
    const struct code *c = program;
    goto *labels[c->op];
load:
    r[c->a] = c->b;
    goto *labels[(++c)->op];
move:
    r[c->a] = r[c->b];
    goto *labels[(++c)->op];
add:
    r[c->a] += r[c->b];
    goto *labels[(++c)->op];
addi:
    r[c->a] += c->b;
    goto *labels[(++c)->op];
mul3:
    r[c->a] = 3 * r[c->a] + 1;
    goto *labels[(++c)->op];
half:
    r[c->a] >>= 1;
    goto *labels[(++c)->op];
and1:
    r[c->a] &= 1;
    goto *labels[(++c)->op];
jz:
    c += r[c->a] ? 1 : c->to;
    goto *labels[c->op];
jlt:
    c += r[c->a] < r[c->b] ? c->to : 1;
    goto *labels[c->op];
jmp:
    c += c->to;
    goto *labels[c->op];
get:
    r[c->a] = m->table[r[c->b] % 64];
    goto *labels[(++c)->op];
put:
    m->table[r[c->b] % 64] = r[c->a];
    goto *labels[(++c)->op];
halt:
    return;
}

static uint64_t repeat(void (*interpret)(struct machine *), unsigned amount)
{
    struct machine m = {.r = {[LIMIT] = 250, [ONE] = 1}};
    while (amount--)
        interpret(&m);
    return mix_bytes(m.r[STEPS], m.table, sizeof(m.table));
}

uint64_t integer_switch(unsigned amount)
{
    return repeat(by_switch, amount);
}

uint64_t integer_goto(unsigned amount)
{
    return repeat(by_goto, amount);
}
