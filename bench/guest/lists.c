// SPDX-License-Identifier: Apache-2.0
// Pointers: a list in random order, sorted, reversed and walked; trees made of small allocations.
#include <stdlib.h>

#include "integer.h"

struct node {
    struct node *next;
    uint64_t key;
};

static struct node *merge(struct node *a, struct node *b)
{
    struct node *head = NULL, **tail = &head;
    while (a && b) {
        struct node **from = a->key <= b->key ? &a : &b;
        *tail = *from;
        *from = (*from)->next;
        tail = &(*tail)->next;
    }
    *tail = a ? a : b;
    return head;
}

static struct node *sort(struct node *list, size_t count)
{
    if (count < 2) {
        if (list)
            list->next = NULL;
        return list;
    }
    struct node *middle = list;
    for (size_t i = 0; i < count / 2; i++)
        middle = middle->next;
    struct node *right = sort(middle, count - count / 2);
    return merge(sort(list, count / 2), right);
}

static struct node *reverse(struct node *list)
{
    struct node *result = NULL;
    while (list) {
        struct node *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

uint64_t integer_list(unsigned amount)
{
    enum { COUNT = 20000, WALKS = 20 };
    struct node *pool = must_alloc(COUNT * sizeof(*pool)), *list = NULL;
    uint64_t seed = 362436069, sum = 0;
    for (size_t i = 0; i < COUNT; i++) {
        pool[i] = (struct node){list, 0};
        list = &pool[i];
    }
    while (amount--) {
        for (struct node *n = list; n; n = n->next)
            n->key = next_random(&seed) >> 8;
        list = reverse(sort(list, COUNT));
        for (int walk = 0; walk < WALKS; walk++) {
            for (struct node *n = list; n; n = n->next)
                sum += n->key;
        }
    }
    free(pool);
    return mix_in(0, sum);
}

struct tree {
    struct tree *left, *right;
};

static struct tree *grow(unsigned depth)
{
    struct tree *tree = malloc(sizeof(*tree));
    must(tree != NULL, "malloc");
    tree->left = depth ? grow(depth - 1) : NULL;
    tree->right = depth ? grow(depth - 1) : NULL;
    return tree;
}

static uint64_t fell(struct tree *tree)
{
    uint64_t count = 1;
    if (tree->left)
        count += fell(tree->left) + fell(tree->right);
    free(tree);
    return count;
}

uint64_t integer_trees(unsigned amount)
{
    uint64_t sum = 0;
    while (amount--) {
        struct tree *kept = grow(14);
        for (unsigned i = 0; i < 64; i++)
            sum = mix_in(sum, fell(grow(8 + i % 3)));
        sum = mix_in(sum, fell(kept));
    }
    return sum;
}
