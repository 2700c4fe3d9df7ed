/* SPDX-License-Identifier: Apache-2.0 */
/* Which virtual firmware there is on this host. */
#ifndef ARMVM_VM_FIRMWARE_H
#define ARMVM_VM_FIRMWARE_H

#include <stdbool.h>

struct error;

struct firmware {
    char *code;      /* the file */
    char *variables; /* what its variables start with; NULL: it formats them itself */
};

/* Where to look; NULL where there is nothing. Lists end with NULL. */
struct firmware_places {
    const char *const *descriptors; /* folders of descriptions (docs/interop/firmware.json) */
    const char *const (*files)[2];  /* code and variables of known packages */
};

extern const struct firmware_places firmware_host;

/* What --firmware says: "auto" finds one, anything else is a file, which is looked at for being
 * something else altogether. The strings are the caller's, to be freed by firmware_free. */
int firmware_find(const char *said, const struct firmware_places *places, struct firmware *firmware,
                  struct error *err);
void firmware_free(struct firmware *firmware);

/* Whether this one stops on a machine without a PL011: all but EDK2 do. */
bool firmware_needs_uart(const char *code);

#endif
