/* SPDX-License-Identifier: Apache-2.0 */
/* A hash map from 64-bit keys to pointers, open addressing; one owner, no locking. */
#ifndef ARMVM_BASE_MAP_H
#define ARMVM_BASE_MAP_H

#include <stddef.h>
#include <stdint.h>

struct map {
    struct map_slot *slots;
    size_t mask;  /* slots - 1; 0 before the first insertion */
    size_t used;  /* live entries */
    size_t spent; /* live and deleted entries */
};

/* The value of a key or NULL. */
void *map_get(const struct map *map, uint64_t key);

/* Sets key to a non-NULL value, replacing what was there. 0 or -ENOMEM. */
int map_put(struct map *map, uint64_t key, void *value);

/* Removes the key and returns its value, or NULL. */
void *map_del(struct map *map, uint64_t key);

/* Calls fn for every entry; fn must not change the map. */
void map_each(const struct map *map, void (*fn)(void *ctx, uint64_t key, void *value), void *ctx);

/* Removes all entries and frees the table (values belong to the caller). */
void map_clear(struct map *map);

#endif
