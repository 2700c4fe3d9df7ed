/* SPDX-License-Identifier: Apache-2.0 */
/* In place of host_code.c and tier2.c on hosts without an emitter: engine.c never chooses
 * translation there. */
#include <errno.h>

#include "engine/jit/tier2.h"

void jit_maker_reset(struct jit_maker *maker)
{
}

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

int jit_tier2_create(struct engine *engine, struct error *err)
{
    return 0;
}

int jit_tier2_start(struct engine *engine, struct error *err)
{
    return 0;
}

void jit_tier2_stop(struct engine *engine)
{
}

void jit_tier2_destroy(struct engine *engine)
{
}

void jit_tier2_print(struct engine *engine, FILE *out)
{
}

bool jit_tier2_post(struct jit_tier2 *tier2, struct jit_job *job)
{
    return false;
}
