/* SPDX-License-Identifier: Apache-2.0 */
#include "base/map.h"

#include <errno.h>
#include <stdlib.h>

struct map_slot {
    uint64_t key;
    void *value; /* NULL: empty, or TOMBSTONE */
};

/* Marks a deleted slot, so that probing goes on behind it. */
static const char tombstone_object;
#define TOMBSTONE ((void *)(uintptr_t)&tombstone_object)

static size_t hash(uint64_t key)
{
    key *= 0x9e3779b97f4a7c15ull;
    return (size_t)(key ^ key >> 29);
}

static struct map_slot *find(const struct map *map, uint64_t key)
{
    if (!map->slots)
        return NULL;
    for (size_t i = hash(key) & map->mask;; i = (i + 1) & map->mask) {
        struct map_slot *slot = &map->slots[i];
        if (!slot->value)
            return NULL;
        if (slot->key == key && slot->value != TOMBSTONE)
            return slot;
    }
}

/* Puts a key that is known to be absent; there is room. */
static void insert(struct map *map, uint64_t key, void *value)
{
    size_t i = hash(key) & map->mask;

    while (map->slots[i].value && map->slots[i].value != TOMBSTONE)
        i = (i + 1) & map->mask;
    map->spent += !map->slots[i].value;
    map->slots[i] = (struct map_slot){key, value};
    map->used++;
}

static int resize(struct map *map)
{
    struct map old = *map;
    size_t size = 64;

    while (size < old.used * 4)
        size *= 2;
    map->slots = calloc(size, sizeof(*map->slots));
    if (!map->slots) {
        *map = old;
        return -ENOMEM;
    }
    map->mask = size - 1;
    map->used = map->spent = 0;
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i].value && old.slots[i].value != TOMBSTONE)
            insert(map, old.slots[i].key, old.slots[i].value);
    free(old.slots);
    return 0;
}

void *map_get(const struct map *map, uint64_t key)
{
    struct map_slot *slot = find(map, key);

    return slot ? slot->value : NULL;
}

int map_put(struct map *map, uint64_t key, void *value)
{
    struct map_slot *slot = find(map, key);

    if (slot) {
        slot->value = value;
        return 0;
    }
    if (!map->slots || (map->spent + 1) * 4 > (map->mask + 1) * 3) {
        int rc = resize(map);
        if (rc)
            return rc;
    }
    insert(map, key, value);
    return 0;
}

void *map_del(struct map *map, uint64_t key)
{
    struct map_slot *slot = find(map, key);
    void *value;

    if (!slot)
        return NULL;
    value = slot->value;
    slot->value = TOMBSTONE;
    map->used--;
    return value;
}

void map_each(const struct map *map, void (*fn)(void *ctx, uint64_t key, void *value), void *ctx)
{
    for (size_t i = 0; map->slots && i <= map->mask; i++)
        if (map->slots[i].value && map->slots[i].value != TOMBSTONE)
            fn(ctx, map->slots[i].key, map->slots[i].value);
}

void map_clear(struct map *map)
{
    free(map->slots);
    *map = (struct map){0};
}
