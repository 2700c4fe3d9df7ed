/* SPDX-License-Identifier: Apache-2.0 */
/* Finds a guest's kernel, its configuration, its modules and its initial RAM disk in an image. */
#ifndef ARMVM_CHECK_GUEST_FILES_H
#define ARMVM_CHECK_GUEST_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "check/image_impl.h"

enum { TREES_MAX = 16, GUEST_NAME = 128 };

struct guest_tree {
    int partition;
    char name[48];
    struct tree tree;
};

/* Which of the modules that matter (guest.c's list) are where, and what modules.alias says. */
struct module_set {
    bool known;        /* it could be read */
    uint64_t there;    /* bit: a file of that module */
    uint64_t aliased;  /* bit: modules.alias has its line */
    bool aliases;      /* there is a modules.alias */
    uint64_t built_in; /* bit: modules.builtin has it */
    bool builtins;     /* there is a modules.builtin */
    char where[GUEST_NAME * 2];
};

struct guest_files {
    struct guest_tree tree[TREES_MAX];
    unsigned trees;
    char unreadable[400]; /* "partition 2 (xfs), ..." */
    /* The newest kernel, or what else tells its version. */
    bool found;
    char version[GUEST_NAME]; /* "6.1.0-28-arm64" */
    unsigned others;          /* kernels besides it */
    int kernel_tree, initrd_tree;
    char kernel[GUEST_NAME * 3], initrd[GUEST_NAME * 3]; /* paths; may be empty */
    char *config;                                        /* text; NULL: none was found */
    char config_from[GUEST_NAME * 3];
    struct module_set root, ram; /* ram: the initial RAM disk */
    char ram_kinds[128];
    char ram_problem[200]; /* why it could not be read (wholly) */
    bool ram_damaged;      /* because it is damaged, not because it is of an unknown kind */
};

/* A module that matters: file name without ".ko", '-' as '_'; a line of modules.alias begins with
 * "alias ALIAS". */
struct module_name {
    const char *name, *alias;
};

/* modules: up to 64. Damage leaves less found; negative errno only for memory and the source. */
int guest_files_find(struct image_check *c, const struct module_name *modules, unsigned count,
                     struct guest_files *files);
void guest_files_free(struct guest_files *files);

/* guest_modules.c. What a directory /lib/modules/VERSION has; and an initial RAM disk. */
int guest_modules_read(struct tree *tree, const char *dir, const struct module_name *modules,
                       unsigned count, struct module_set *set);
int guest_initrd_read(const struct image_source *source, const struct module_name *modules,
                      unsigned count, struct guest_files *files);

#endif
