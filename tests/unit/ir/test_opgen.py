#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/opgen.py: what it makes of a row, and the rows it refuses."""

import os
import subprocess
import sys
import tempfile
import unittest

OPGEN = sys.argv.pop(1)
NAMES = ('ir_ops.h', 'ir_eval.h', 'ir_ops_table.c')


def opgen(table):
    """Runs the generator: (exit code, message, the three files)."""
    with tempfile.TemporaryDirectory() as out:
        path = os.path.join(out, 'ops.def')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(table)
        outputs = [os.path.join(out, name) for name in NAMES]
        run = subprocess.run([sys.executable, OPGEN, path, *outputs], capture_output=True,
                             text=True, check=False)
        text = []
        for output in outputs if run.returncode == 0 else []:
            with open(output, encoding='utf-8') as file:
                text.append(file.read())
        return run.returncode, run.stderr, text


class Opgen(unittest.TestCase):
    def refused(self, table, why):
        code, message, _ = opgen(table)
        self.assertNotEqual(code, 0)
        self.assertIn(why, message)

    def test_builders_take_a_type_only_where_the_row_leaves_it_open(self):
        _, _, (header, _, _) = opgen('add i ii pure - - | sum\n'
                                     'zext x w pure - - | wider\n'
                                     'ld i x mem memop - | load\n'
                                     'br - - ctl - block | go\n')
        self.assertIn('ir_add(struct ir *ir, enum ir_type type, ir_ref a, ir_ref b)', header)
        self.assertIn('ir_zext(struct ir *ir, ir_ref a)', header)
        self.assertIn('ir_ld(struct ir *ir, enum ir_type type, ir_ref a, unsigned aux)', header)
        self.assertIn('ir_br(struct ir *ir, int64_t imm)', header)

    def test_only_pure_and_fp_rows_have_evaluators(self):
        _, _, (_, prototypes, table) = opgen('add i ii pure - - | sum\n'
                                             'fadd v vv fp vform - | sum\n'
                                             'put - i state - offset | write\n')
        self.assertIn('ir_eval_fn ir_eval_add;', prototypes)
        self.assertIn('[IR_FADD] = ir_eval_fadd', table)
        self.assertNotIn('ir_eval_put', prototypes + table)

    def test_comments_and_empty_lines_are_skipped(self):
        code, _, (header, _, _) = opgen('# nothing\n\nadd i ii pure - - | sum\n')
        self.assertEqual(code, 0)
        self.assertIn('IR_OP_COUNT', header)

    def test_a_short_row_is_refused_with_its_line(self):
        self.refused('add i ii pure - - | sum\nsub i ii pure - | less\n', ':2:')

    def test_a_name_used_twice_is_refused(self):
        self.refused('add i ii pure - - | sum\nadd i ii pure - - | sum\n', 'twice')

    def test_unknown_types_are_refused(self):
        self.refused('add q ii pure - - | sum\n', 'result type')
        self.refused('add i iq pure - - | sum\n', 'argument types')
        self.refused('add i iiii pure - - | sum\n', 'argument types')

    def test_an_unknown_class_is_refused(self):
        self.refused('add i ii virtual - - | sum\n', 'class')

    def test_a_pure_operation_without_result_is_refused(self):
        self.refused('add - ii pure - - | sum\n', 'result')


if __name__ == '__main__':
    unittest.main()
