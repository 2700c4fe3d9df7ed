// SPDX-License-Identifier: Apache-2.0
// Unseen: numbers, searches and pictures.
#include <search.h>
#include <stdlib.h>

#include "unseen.h"

// The digits of e, by a number of mixed base: 1/2! + 1/3! + ...
uint64_t unseen_digits(unsigned amount)
{
    uint32_t *a = must_alloc((amount + 2) * sizeof(*a));
    uint64_t sum = 0;
    for (unsigned i = 0; i < amount + 2; i++)
        a[i] = 1;
    for (unsigned digit = 0; digit < amount; digit++) {
        uint32_t carry = 0;
        for (unsigned i = amount + 1; i >= 2; i--) {
            uint32_t x = a[i] * 10 + carry;
            a[i] = x % i;
            carry = x / i;
        }
        sum = mix_in(sum, carry);
    }
    free(a);
    return sum;
}

struct way {
    uint32_t cost, node;
};

static void push(struct way *heap, unsigned *count, struct way way)
{
    unsigned i = (*count)++;
    for (; i && heap[(i - 1) / 2].cost > way.cost; i = (i - 1) / 2)
        heap[i] = heap[(i - 1) / 2];
    heap[i] = way;
}

static struct way pop(struct way *heap, unsigned *count)
{
    struct way top = heap[0], last = heap[--*count];
    unsigned i = 0;
    for (;;) {
        unsigned child = 2 * i + 1;
        if (child >= *count)
            break;
        if (child + 1 < *count && heap[child + 1].cost < heap[child].cost)
            child++;
        if (heap[child].cost >= last.cost)
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return top;
}

// Over a grid with random costs.
uint64_t unseen_paths(unsigned amount)
{
    enum { SIDE = 100, NODES = SIDE * SIDE };
    uint32_t *cost = must_alloc(NODES * sizeof(*cost)), *best = must_alloc(NODES * sizeof(*best));
    struct way *heap = must_alloc(4 * NODES * sizeof(*heap));
    uint64_t seed = 81, sum = 0;
    while (amount--) {
        for (int i = 0; i < NODES; i++) {
            cost[i] = 1 + (uint32_t)(next_random(&seed) >> 58);
            best[i] = UINT32_MAX;
        }
        unsigned count = 0;
        best[0] = 0;
        push(heap, &count, (struct way){0, 0});
        while (count) {
            struct way way = pop(heap, &count);
            if (way.cost > best[way.node])
                continue;
            int x = (int)way.node % SIDE, y = (int)way.node / SIDE;
            static const int steps[4][2] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}};
            for (int i = 0; i < 4; i++) {
                int nx = x + steps[i][0], ny = y + steps[i][1];
                if (nx < 0 || ny < 0 || nx >= SIDE || ny >= SIDE)
                    continue;
                uint32_t node = (uint32_t)(ny * SIDE + nx), total = way.cost + cost[node];
                if (total < best[node]) {
                    best[node] = total;
                    push(heap, &count, (struct way){total, node});
                }
            }
        }
        sum = mix_in(sum, best[NODES - 1]);
    }
    free(cost);
    free(best);
    free(heap);
    return sum;
}

struct sudoku {
    uint16_t rows[9], columns[9], boxes[9];
    uint8_t cells[81];
    uint64_t tries;
};

static int solve(struct sudoku *s)
{
    int where = -1, least = 10;
    uint16_t options = 0;
    for (int i = 0; i < 81; i++) {
        if (s->cells[i])
            continue;
        uint16_t open =
            0x1ff & ~(s->rows[i / 9] | s->columns[i % 9] | s->boxes[i / 27 * 3 + i % 9 / 3]);
        int count = 0;
        for (uint16_t left = open; left; left &= (uint16_t)(left - 1))
            count++;
        if (count < least) {
            least = count;
            where = i;
            options = open;
        }
    }
    if (where < 0)
        return 1;
    for (; options; options &= (uint16_t)(options - 1)) {
        uint16_t bit = options & (uint16_t)-options;
        s->tries++;
        s->cells[where] = (uint8_t)(__builtin_ctz(bit) + 1);
        s->rows[where / 9] |= bit;
        s->columns[where % 9] |= bit;
        s->boxes[where / 27 * 3 + where % 9 / 3] |= bit;
        if (solve(s))
            return 1;
        s->cells[where] = 0;
        s->rows[where / 9] &= (uint16_t)~bit;
        s->columns[where % 9] &= (uint16_t)~bit;
        s->boxes[where / 27 * 3 + where % 9 / 3] &= (uint16_t)~bit;
    }
    return 0;
}

// A first row in random order, and no more: the rest is search.
uint64_t unseen_sudoku(unsigned amount)
{
    uint64_t seed = 82, sum = 0;
    for (unsigned n = 0; n < amount * 4; n++) {
        struct sudoku s = {.tries = 0};
        uint8_t order[9];
        for (int i = 0; i < 9; i++) {
            int j = (int)(next_random(&seed) % (uint64_t)(i + 1));
            order[i] = order[j];
            order[j] = (uint8_t)i;
        }
        for (int i = 0; i < 9; i++) {
            uint16_t bit = (uint16_t)(1 << order[i]);
            s.cells[i] = (uint8_t)(order[i] + 1);
            s.rows[0] |= bit;
            s.columns[i] |= bit;
            s.boxes[i / 3] |= bit;
        }
        sum = mix_in(sum, (uint64_t)solve(&s) + s.tries);
        sum = mix_bytes(sum, s.cells, sizeof(s.cells));
    }
    return sum;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

// The C library's balanced tree.
uint64_t unseen_tsearch(unsigned amount)
{
    enum { COUNT = 20000 };
    uint64_t *keys = must_alloc(COUNT * sizeof(*keys)), seed = 83, sum = 0;
    while (amount--) {
        void *root = NULL;
        for (int i = 0; i < COUNT; i++) {
            keys[i] = next_random(&seed) >> 40;
            tsearch(&keys[i], &root, by_number);
        }
        for (int i = 0; i < 2 * COUNT; i++) {
            uint64_t key = next_random(&seed) >> 40;
            sum += tfind(&key, &root, by_number) != NULL;
        }
        for (int i = 0; i < COUNT; i++)
            sum += tdelete(&keys[i], &root, by_number) != NULL;
    }
    free(keys);
    return mix_in(0, sum);
}

struct vector {
    double x, y, z;
};

static double dot(struct vector a, struct vector b)
{
    return a.x * b.x + a.y * b.y + a.z * b.z;
}

// Spheres that a ray may hit; shades by the angle to one light.
uint64_t unseen_rays(unsigned amount)
{
    enum { SPHERES = 8 };
    struct vector centers[SPHERES];
    uint64_t sum = 0;
    for (int i = 0; i < SPHERES; i++)
        centers[i] = (struct vector){i % 3 - 1.0, i % 4 * 0.5 - 0.75, 3 + i * 0.4};
    for (unsigned row = 0; row < amount; row++) {
        for (unsigned column = 0; column < amount; column++) {
            struct vector ray = {column * 2.0 / amount - 1, row * 2.0 / amount - 1, 1};
            double length = __builtin_sqrt(dot(ray, ray)), nearest = 1e9, shade = 0;
            ray = (struct vector){ray.x / length, ray.y / length, ray.z / length};
            for (int i = 0; i < SPHERES; i++) {
                double b = dot(ray, centers[i]), root = b * b - dot(centers[i], centers[i]) + 0.3;
                if (root <= 0 || b - __builtin_sqrt(root) >= nearest)
                    continue;
                nearest = b - __builtin_sqrt(root);
                struct vector normal = {ray.x * nearest - centers[i].x,
                                        ray.y * nearest - centers[i].y,
                                        ray.z * nearest - centers[i].z};
                shade = normal.x * 0.5 - normal.y * 0.7 - normal.z * 0.5;
            }
            sum = sum * 31 + (shade > 0 ? (uint64_t)(shade * 255) : 0);
        }
    }
    return mix_in(0, sum);
}

uint64_t unseen_heat(unsigned amount)
{
    enum { SIDE = 192 };
    float *now = must_alloc(2 * SIDE * SIDE * sizeof(*now)), *next = now + SIDE * SIDE,
          *memory = now;
    for (int i = 0; i < SIDE; i++)
        now[i] = next[i] = (float)(i % 17) * 10;
    while (amount--) {
        for (int y = 1; y < SIDE - 1; y++) {
            for (int x = 1; x < SIDE - 1; x++) {
                const float *p = now + y * SIDE + x;
                next[y * SIDE + x] = p[0] * 0.5f + 0.125f * ((p[-1] + p[1]) + (p[-SIDE] + p[SIDE]));
            }
        }
        float *t = now;
        now = next;
        next = t;
    }
    uint64_t sum = mix_bytes(0, now, SIDE * SIDE * sizeof(*now));
    free(memory);
    return sum;
}
