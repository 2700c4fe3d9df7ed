/* SPDX-License-Identifier: Apache-2.0 */
/* Pointer authentication: manual D8.9 and the pseudocode of AddPAC(), Auth(), Strip(), with
 * FEAT_PAuth2: the code is added to the pointer's upper bits by exclusive or. */
#include "arm/pauth.h"

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/mmu.h"
#include "arm/pstate.h"
#include "base/bits.h"

static bool is_data(enum arm_pac_key key)
{
    return key >= ARM_PAC_DA;
}

/* The bits of a pointer that hold its code: all between tag (or the top) and address, but bit 55.
 */
static uint64_t code_bits(const struct arm_cpu *cpu, bool upper, bool data)
{
    uint64_t bits = ones(55) & ~ones(arm_va_bits(cpu, upper));

    return arm_top_byte_ignored(cpu, upper, !data) ? bits : bits | 0xffull << 56;
}

void arm_pac_update(struct arm_cpu *cpu)
{
    static const uint64_t enable[4] = {ARM_SCTLR_EnIA, ARM_SCTLR_EnIB, ARM_SCTLR_EnDA,
                                       ARM_SCTLR_EnDB};

    for (unsigned key = 0; key < 4; key++)
        for (unsigned upper = 0; upper < 2; upper++)
            cpu->pac_mask[2 * key + !upper] =
                cpu->sctlr_el1 & enable[key] ? code_bits(cpu, upper, is_data(key)) : 0;
}

/* The same for a key; zero while it is not enabled. */
static uint64_t mask_of(const struct arm_cpu *cpu, uint64_t pointer, enum arm_pac_key key)
{
    return cpu->pac_mask[2 * key + !bit(pointer, 55)];
}

/* The pointer as it is without a code: the bits in mask follow bit 55. */
static uint64_t plain(uint64_t pointer, uint64_t mask)
{
    return bit(pointer, 55) ? pointer | mask : pointer & ~mask;
}

uint64_t arm_pac_add(const struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                     enum arm_pac_key key, arm_pac_hash *hash)
{
    bool data = is_data(key);
    /* With tags in either half of the address space bit 55 says which half it is, else bit 63. */
    bool tags = arm_top_byte_ignored(cpu, false, !data) || arm_top_byte_ignored(cpu, true, !data);
    bool upper = bit(pointer, tags ? 55 : 63);
    uint64_t half = (pointer & ~(1ull << 55)) | (uint64_t)upper << 55;
    uint64_t mask = mask_of(cpu, half, key);

    if (!mask)
        return pointer;
    return half ^ (hash(plain(half, mask), modifier, cpu->ap_key[key]) & mask);
}

uint64_t arm_pac_auth(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                      enum arm_pac_key key, bool combined, arm_pac_hash *hash)
{
    uint64_t mask = mask_of(cpu, pointer, key);
    uint64_t good = plain(pointer, mask);
    uint64_t result = pointer ^ (hash(good, modifier, cpu->ap_key[key]) & mask);

    /* ISS: a data key, a B key (manual D19.2.37, ISS of a PAC failure). */
    if (result != good && arm_has(cpu->features, combined ? ARM_FEAT_FPACCOMBINE : ARM_FEAT_FPAC))
        arm_take_sync(cpu, ARM_EC_PAC_FAIL, key, false, 0);
    return result;
}

uint64_t arm_pac_strip(const struct arm_cpu *cpu, uint64_t pointer, bool data)
{
    return plain(pointer, code_bits(cpu, bit(pointer, 55), data));
}
