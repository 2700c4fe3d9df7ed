#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the architecture's tables of A64 encodings into C, for the tests of the decoder.

usage: archgen.py OUTDIR RULES TABLE.tsv...

The tables and the rules are described in tests/insn/arch. Writes arch_rows.h (features, the row's
struct) and arch_rows.c: the rows in decode order, each with a function that says whether a word that
matches the row's pattern is UNDEFINED on a PE with given features.
"""

import fnmatch
import os
import re
import sys

# What the table's column calls features -> the manual's FEAT_ names.
COLUMN = {
    'FP16Ext': 'FP16', 'FeatMOPS': 'MOPS', 'AtomicExt': 'LSE', 'MTEExt': 'MTE', 'MTE2Ext': 'MTE2', 'PACExt': 'PAuth',
    'FJCVTZSExt': 'JSCVT', 'CSSC': 'CSSC', 'THExt': 'THE', '128BitDescriptorExt': 'D128', 'QRDMLAHExt': 'RDM',
    'FrintExt': 'FRINTTS', 'FP16MulNoRoundingToFP32Ext': 'FHM', 'SM3Ext': 'SM3', 'SM4Ext': 'SM4', 'BF16Ext': 'BF16',
    'SHA1Ext': 'SHA1', 'SHA256Ext': 'SHA256', 'SHA512Ext': 'SHA512', 'SHA3Ext': 'SHA3', 'Int8MatMulExt': 'I8MM',
    'DOTPExt': 'DotProd', 'AESExt': 'AES', 'LSE128': 'LSE128', 'FCADDExt': 'FCMA', 'SysReg128': 'SYSREG128',
    'SysInstr128': 'SYSINSTR128', 'GCS': 'GCS', 'FlagManipulateExt': 'FlagM', 'FeatLS64': 'LS64',
    'FeatLS64_V': 'LS64_V', 'FeatLS64_ACCDATA': 'LS64_ACCDATA', 'CRCExt': 'CRC32', 'BTIExt': 'BTI', 'FeatHBC': 'HBC',
    'Bit128PMULLExt': 'PMULL',
}
VERBS = ('undefined', 'needs', 'always', 'unless', 'should', 'either')


class RuleError(Exception):
    pass


class Row:
    def __init__(self, line):
        columns = (line.rstrip('\n').split('\t') + [''] * 7)[:7]
        self.group, order, self.pattern, self.mnemonic, self.page, fields, features = columns
        self.order = int(order)
        self.fields = {}
        for field in fields.split():
            name, bits = field.split('=')
            high, low = bits.split(':')
            self.fields[name] = (int(high), int(low))
        self.column = features.split('+') if features else []
        self.mask = int(self.pattern.replace('0', '1').replace('x', '0'), 2)
        self.value = int(self.pattern.replace('x', '0'), 2)
        self.should = 0
        self.verdict = []  # lines of C
        self.needs = []    # features that all words need
        self.sometimes = []
        self.own_features = False


class Rule:
    def __init__(self, line, where):
        words = line.split(None, 2)
        self.where = where
        if len(words) < 2 or words[1] not in VERBS:
            raise RuleError(f'{where}: not a rule: {line}')
        self.page, _, self.mnemonic = words[0].partition('/')
        self.verb = words[1]
        rest = words[2] if len(words) > 2 else ''
        self.operand, self.condition = '', None
        if self.verb == 'unless':
            self.condition = rest
        elif self.verb == 'should':
            self.operand = rest
        elif self.verb == 'needs':
            self.operand, _, rest = rest.partition(' ')
        if self.verb != 'unless' and rest.startswith('if '):
            self.condition = rest[3:]
        elif self.verb not in ('unless', 'should') and rest:
            raise RuleError(f'{where}: cannot read {rest!r}')
        self.used = False

    def matches(self, row):
        return fnmatch.fnmatchcase(row.page, self.page) and fnmatch.fnmatchcase(row.mnemonic, self.mnemonic or '*')


def translate(condition, row, where):
    """A condition as a C expression over the word w."""

    def field(m):
        name, high, low = m.group(1), m.group(2), m.group(3)
        if name in ('and', 'or', 'not', 'reserved_bitmask'):
            return {'and': '&&', 'or': '||', 'not': '!'}.get(name, name)
        if name not in row.fields:
            raise RuleError(f'{where}: {row.mnemonic} ({row.page}) has no field {name}')
        top, bottom = row.fields[name]
        if high is not None:
            top, bottom = bottom + int(high), bottom + int(low if low is not None else high)
        return f'BITS(w, {top}, {bottom})'

    return re.sub(r'([A-Za-z_]\w*)(?:<(\d+)(?::(\d+))?>)?', field, condition)


def apply(row, rules, features):
    def bit(name):
        features.setdefault(name, len(features))
        return f'(1ull << ARCH_FEAT_{name})'

    unless, needs, undefined, either, always = [], [], [], [], []
    for rule in rules:
        if not rule.matches(row):
            continue
        rule.used = True
        condition = translate(rule.condition, row, rule.where) if rule.condition else '1'
        if rule.verb == 'unless':
            unless.append(f'if ({condition})\n        return ARCH_NEXT;')
        elif rule.verb == 'undefined':
            undefined.append(f'if ({condition})\n        return ARCH_UNDEFINED;')
        elif rule.verb == 'either':
            either.append(f'if ({condition})\n        return ARCH_EITHER;')
        elif rule.verb == 'always':
            always.append(True)
        elif rule.verb == 'needs':
            needs.append((rule.operand, condition))
        elif rule.verb == 'should':
            for name in rule.operand.split(','):
                if name in row.fields:
                    top, bottom = row.fields[name]
                    row.should |= ((1 << (top - bottom + 1)) - 1) << bottom
    if not needs and not always:
        for name in row.column:
            if name not in COLUMN:
                raise RuleError(f'{row.mnemonic} ({row.page}): no rule says what the feature column {name} means')
            needs.append((COLUMN[name], '1'))
    for name, condition in needs:
        test = f'!(have & {bit(name)})'
        undefined.append(f'if ({test if condition == "1" else f"{test} && ({condition})"})\n'
                         '        return ARCH_UNDEFINED;')
        (row.needs if condition == '1' else row.sometimes).append(name)
    row.verdict = unless + undefined + either


def check_always(rows):
    """A row whose verdict begins with an unconditional UNDEFINED is so by definition."""
    for row in rows:
        row.never = any(line.startswith('if (1)\n        return ARCH_UNDEFINED') for line in row.verdict)


def write_header(out, features, rows):
    out.write('/* Generated by archgen.py. */\n#ifndef ARMVM_ARCH_ROWS_H\n#define ARMVM_ARCH_ROWS_H\n\n'
              '#include <stdbool.h>\n#include <stdint.h>\n\nenum arch_feature {\n')
    for name in features:
        out.write(f'    ARCH_FEAT_{name},\n')
    out.write('    ARCH_FEATURES\n};\n\n'
              'enum arch_verdict { ARCH_UNDEFINED, ARCH_DEFINED, ARCH_EITHER, ARCH_NEXT };\n\n'
              'struct arch_row {\n    const char *group, *mnemonic, *page, *pattern;\n'
              '    uint32_t mask, value, should; /* should: part of mask */\n'
              '    uint64_t needs, sometimes;    /* features: of all words, of some */\n'
              '    bool never;                   /* UNDEFINED by definition */\n'
              '    enum arch_verdict (*verdict)(uint32_t w, uint64_t have);\n};\n\n'
              f'enum {{ ARCH_ROWS = {len(rows)} }};\n\n'
              'extern const struct arch_row arch_rows[ARCH_ROWS]; /* first match decodes */\n'
              'extern const char *const arch_feature_names[ARCH_FEATURES];\n\n#endif\n')


def write_source(out, features, rows):
    out.write('/* Generated by archgen.py. */\n#include "arch_rows.h"\n\n'
              '#define BITS(w, high, low) ((w) >> (low) & ((1u << ((high) - (low) + 1)) - 1))\n\n'
              '/* Arm ARM, DecodeBitMasks() for logical immediates: where it says UNDEFINED. */\n'
              'static inline bool reserved_bitmask(uint32_t n, uint32_t imms)\n{\n'
              '    uint32_t pattern = n << 6 | (~imms & 63);\n    int len = 6;\n'
              '    while (len >= 0 && !(pattern >> len & 1))\n        len--;\n'
              '    if (len < 1)\n        return true;\n'
              '    uint32_t levels = (1u << len) - 1;\n    return (imms & levels) == levels;\n}\n\n')
    shared = {}
    for row in rows:
        body = '\n    '.join(row.verdict + ['return ARCH_DEFINED;'])
        if body not in shared:
            shared[body] = f'verdict_{len(shared)}'
            out.write(f'static enum arch_verdict {shared[body]}(uint32_t w, uint64_t have)\n{{\n    {body}\n}}\n\n')
        row.function = shared[body]

    def mask(names):
        return ' | '.join(f'1ull << ARCH_FEAT_{n}' for n in names) or '0'

    out.write('const struct arch_row arch_rows[ARCH_ROWS] = {\n')
    for row in rows:
        out.write(f'    {{"{row.group}", "{row.mnemonic}", "{row.page}", "{row.pattern}", {row.mask:#010x}u, '
                  f'{row.value:#010x}u, {row.should & row.mask:#010x}u, {mask(row.needs)}, {mask(row.sometimes)}, '
                  f'{"true" if row.never else "false"}, {row.function}}},\n')
    out.write('};\n\nconst char *const arch_feature_names[ARCH_FEATURES] = {\n')
    for name in features:
        out.write(f'    [ARCH_FEAT_{name}] = "{name}",\n')
    out.write('};\n')


def read_rules(path):
    rules = []
    with open(path, encoding='utf-8') as file:
        for number, line in enumerate(file, 1):
            line = line.split('#', 1)[0].strip()
            if line:
                rules.append(Rule(line, f'{os.path.basename(path)}:{number}'))
    return rules


def main(argv):
    if len(argv) < 4:
        sys.exit(__doc__)
    try:
        rules = read_rules(argv[2])
        rows, features = [], {}
        for path in argv[3:]:
            with open(path, encoding='utf-8') as file:
                rows += [Row(line) for line in file if line.strip() and not line.startswith('#')]
        rows.sort(key=lambda row: row.order)
        for row in rows:
            apply(row, rules, features)
        check_always(rows)
        for rule in rules:
            if not rule.used:
                raise RuleError(f'{rule.where}: no row matches {rule.page}/{rule.mnemonic}')
    except RuleError as error:
        sys.exit(f'archgen: {error}')
    with open(os.path.join(argv[1], 'arch_rows.h'), 'w', encoding='utf-8') as out:
        write_header(out, features, rows)
    with open(os.path.join(argv[1], 'arch_rows.c'), 'w', encoding='utf-8') as out:
        write_source(out, features, rows)


if __name__ == '__main__':
    main(sys.argv)
