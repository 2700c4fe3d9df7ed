// SPDX-License-Identifier: Apache-2.0
// What small processors are rated by, in our own code: a list searched and sorted, a product of
// small integer matrices, a state machine that reads numbers, and a checksum by bits over it all.
#include "integer.h"

enum { ITEMS = 64, SIDE = 12 };

struct item {
    struct item *next;
    int16_t value, index;
};

static uint16_t crc_add(uint16_t crc, uint16_t data)
{
    for (int i = 0; i < 16; i++, data >>= 1) {
        uint16_t carry = (uint16_t)((crc ^ data) & 1);
        crc >>= 1;
        if (carry)
            crc ^= 0xa001;
    }
    return crc;
}

static struct item *insert(struct item *list, struct item *item)
{
    struct item **at = &list;
    while (*at && (*at)->value < item->value)
        at = &(*at)->next;
    item->next = *at;
    *at = item;
    return list;
}

static uint16_t do_list(struct item *items, uint64_t *seed)
{
    struct item *list = NULL;
    for (int i = 0; i < ITEMS; i++) {
        items[i].value = (int16_t)(next_random(seed) >> 20);
        items[i].index = (int16_t)i;
        list = insert(list, &items[i]);
    }
    uint16_t crc = 0;
    for (int wanted = 0; wanted < ITEMS; wanted += 5) {
        struct item *n = list;
        while (n && n->index != wanted)
            n = n->next;
        crc = crc_add(crc, n ? (uint16_t)n->value : 0);
    }
    return crc;
}

static uint16_t do_matrix(int16_t (*a)[SIDE], int16_t (*b)[SIDE], int32_t (*c)[SIDE], int16_t step)
{
    uint16_t crc = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            int32_t sum = 0;
            for (int k = 0; k < SIDE; k++)
                sum += a[i][k] * b[k][j];
            c[i][j] = sum;
        }
    }
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++)
            a[i][j] = (int16_t)((c[i][j] >> 4 & 0x3ff) + step);
        crc = crc_add(crc, (uint16_t)c[i][i]);
    }
    return crc;
}

enum state { START, SIGN, WHOLE, FRACTION, EXPONENT, POWER, INVALID, STATES };

static enum state after(enum state state, char c)
{
    int digit = c >= '0' && c <= '9', sign = c == '+' || c == '-';
    switch (state) {
    case START:
        return digit ? WHOLE : sign ? SIGN : c == '.' ? FRACTION : INVALID;
    case SIGN:
        return digit ? WHOLE : c == '.' ? FRACTION : INVALID;
    case WHOLE:
        return digit ? WHOLE : c == '.' ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case FRACTION:
        return digit ? FRACTION : c == 'e' ? EXPONENT : INVALID;
    case EXPONENT:
        return digit || sign ? POWER : INVALID;
    case POWER:
        return digit ? POWER : INVALID;
    default:
        return INVALID;
    }
}

static uint16_t do_states(const char *text)
{
    unsigned counts[STATES] = {0};
    enum state state = START;
    for (; *text; text++) {
        state = *text == ',' ? START : after(state, *text);
        counts[state]++;
    }
    uint16_t crc = 0;
    for (int i = 0; i < STATES; i++)
        crc = crc_add(crc, (uint16_t)counts[i]);
    return crc;
}

uint64_t integer_mix(unsigned amount)
{
    static const char text[] =
        "5012,-17.25,+88,3.1416,1e10,-2.5e-7,zero,.5,0x1f,12.34.56,7e,+-3,99999,1.e+5,"
        "8.75,-0.001,6e23,T0.3e-1F,40,-874,+122.04e9,0.5,1234567890,3e+,--1";
    struct item items[ITEMS];
    int16_t a[SIDE][SIDE], b[SIDE][SIDE];
    int32_t c[SIDE][SIDE];
    uint64_t seed = 0x2545f4914f6cdd1du;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            a[i][j] = (int16_t)(i * 5 + j);
            b[i][j] = (int16_t)(i - 3 * j);
        }
    }
    uint16_t crc = 0xffff;
    for (unsigned i = 0; i < amount * 10; i++) {
        crc = crc_add(crc, do_list(items, &seed));
        crc = crc_add(crc, do_matrix(a, b, c, (int16_t)(i & 7)));
        for (int pass = 0; pass < 4; pass++)
            crc = crc_add(crc, do_states(text));
    }
    return crc;
}
