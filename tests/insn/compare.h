/* SPDX-License-Identifier: Apache-2.0 */
/* Whether two runs of a test agree, and what to print if they do not. */
#ifndef ARMVM_TESTS_INSN_COMPARE_H
#define ARMVM_TESTS_INSN_COMPARE_H

#include "insn.h"

enum insn_against { INSN_OURS, INSN_ORACLE };

bool insn_same(const struct insn_test *test, const struct insn_result *got,
               const struct insn_result *want, enum insn_against against);
void insn_report(const struct insn_test *test, unsigned n, enum insn_how how,
                 const struct insn_result *got, const struct insn_result *want, const char *by);

#endif
