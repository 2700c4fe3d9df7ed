/* SPDX-License-Identifier: Apache-2.0 */
/* In place of host_code.c on hosts without an emitter: engine.c never chooses translation there. */
#include <errno.h>

#include "engine/jit/jit.h"

int jit_host_create(struct jit_vcpu *vcpu, struct error *err)
{
    return -ENOTSUP;
}

void jit_host_destroy(struct jit_vcpu *vcpu)
{
}

void *jit_host_emit(struct jit_vcpu *vcpu, struct jit_page *page, const struct front_region *region)
{
    return NULL;
}

void *jit_host_recall(struct jit_vcpu *vcpu, struct jit_page *page, uint32_t mode,
                      const uint8_t *bytes, uint32_t pgoff, struct jit_recalled *found)
{
    return NULL;
}

void jit_host_enter(struct jit_vcpu *vcpu, void *entry)
{
}
