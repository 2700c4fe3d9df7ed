/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the differential suite cannot compare with the oracle, and why: all of it, so that whoever
 * reads the suite's counts knows what they leave out.
 */
#include "insn.h"

#include <fnmatch.h>
#include <stddef.h>

#include "arch.h"
#include "base/bits.h"

static const struct {
    const char *page, *mnemonic;
    enum insn_reach reach;
    const char *why;
} exceptions[] = {
    {"udf", "*", INSN_NOT_USER, "permanently UNDEFINED (C6.2 UDF)"},
    {"system_exceptions_*", "*", INSN_NOT_USER, "takes an exception (tests/insn/test_system.c)"},
    {"branch_unconditional_eret*", "*", INSN_NOT_USER, "UNDEFINED at EL0 (C6.2 ERET)"},
    {"branch_unconditional_dret", "*", INSN_NOT_USER, "UNDEFINED in Non-debug state (C6.2 DRPS)"},
    {"system_register_system*", "*", INSN_NOT_USER, "per register: cases.c, test_system.c"},
    {"system_sysops*", "*", INSN_NOT_USER, "per operation: test_system.c"},
    {"system_sysinstwithreg_*", "*", INSN_NOT_USER, "sleeps (C6.2 WFET, WFIT)"},
    {"system_register_cpsr", "*", INSN_NOT_USER, "per PSTATE field: cases.c, test_system.c"},
    {"branch_unconditional_register", "*ra", INSN_NOT_USER,
     "needs a signed pointer: tests of pointer authentication"},
    {"branch_unconditional_register", "reta", INSN_NOT_USER, "likewise"},
    {"memory_single_general_immediate_signed_pac", "*", INSN_NOT_USER, "likewise"},
    {"memory_exclusive_*", "st*", INSN_NO_FAULTS,
     "whether an abort comes before the local monitor's refusal is IMPLEMENTATION DEFINED (shared "
     "pseudocode, AArch64.ExclusiveMonitorsPass)"},
    {"memory_mcpymset_*", "*", INSN_NO_FAULTS,
     "how much is copied at once, and in which direction, is IMPLEMENTATION DEFINED (C6.2 CPYP, "
     "SETP)"},
    {"integer_pac_*", "*", INSN_ALONE,
     "the algorithm is IMPLEMENTATION DEFINED (D8.10), and the oracle's is QARMA5"},
};

enum insn_reach insn_row_reach(unsigned row, const char **why)
{
    for (unsigned i = 0; i < ARRAY_SIZE(exceptions); i++) {
        if (fnmatch(exceptions[i].page, arch_rows[row].page, 0) ||
            fnmatch(exceptions[i].mnemonic, arch_rows[row].mnemonic, 0))
            continue;
        *why = exceptions[i].why;
        return exceptions[i].reach;
    }
    *why = NULL;
    return INSN_COMPARED;
}

/*
 * FCVTZS (scalar, fixed point, half precision) sign-extends its result to 32 bits, where it should
 * zero all but 16 (C7.2 FCVTZS); FJCVTZS says that a denormal which was flushed to zero converts
 * exactly, which it does not (shared pseudocode, FPToFixedJS()). QEMU 10.0 does both.
 */
static bool is_fcvtzs_half(uint32_t w)
{
    return (w & 0xfff0fc00) == 0x5f10fc00;
}

static bool is_fjcvtzs(uint32_t w)
{
    return (w & 0xfffffc00) == 0x1e7e0000;
}

bool insn_oracle_may_err(uint32_t word)
{
    return is_fcvtzs_half(word) || is_fjcvtzs(word);
}

bool insn_oracle_errs(const struct insn_test *test)
{
    const uint32_t w = test->code[0];
    const uint64_t n = test->before.v[bits(w, 9, 5)].d[0];
    bool flushed = bit(test->before.fpcr, 24) && !bits(n, 62, 52) && n;
    return test->length == 1 && (is_fcvtzs_half(w) || (is_fjcvtzs(w) && flushed));
}
