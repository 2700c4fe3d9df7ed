#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/decgen.py: what it accepts, what it refuses, and that decisions match the masks."""

import os
import subprocess
import sys
import tempfile
import unittest

DECGEN = sys.argv.pop(1)


def decgen(table):
    """Runs the generator: (exit code, message, header, source)."""
    with tempfile.TemporaryDirectory() as out:
        path = os.path.join(out, 't.dec')
        with open(path, 'w', encoding='utf-8') as file:
            file.write(table)
        run = subprocess.run([sys.executable, DECGEN, 'a64', out, path], capture_output=True, text=True,
                             check=False)
        files = []
        for name in ('a64_decode.h', 'a64_decode.c'):
            try:
                with open(os.path.join(out, name), encoding='utf-8') as file:
                    files.append(file.read())
            except FileNotFoundError:
                files.append('')
        return run.returncode, run.stderr, files[0], files[1]


BITS28 = 'x' * 28


class Decgen(unittest.TestCase):
    def test_overlap_is_refused_naming_both(self):
        code, message, _, _ = decgen(f'ONE 1xx1 {BITS28}\nTWO x11x {BITS28}\n')
        self.assertNotEqual(code, 0)
        self.assertIn('ONE', message)
        self.assertIn('TWO', message)

    def test_same_pattern_twice_is_refused(self):
        self.assertNotEqual(decgen(f'ONE 1111 {BITS28}\nTWO 1111 {BITS28}\n')[0], 0)

    def test_subset_is_accepted_and_comes_first(self):
        code, message, _, source = decgen(f'WIDE 1xxx {BITS28}\nNARROW 1111 {BITS28}\n')
        self.assertEqual(code, 0, message)
        body = source[source.index('void a64_decode('):]
        self.assertLess(body.index('row_NARROW('), body.index('row_WIDE('))

    def test_wrong_number_of_bits_is_refused(self):
        self.assertIn('31 bits', decgen(f'ONE 111 {BITS28}\n')[1])

    def test_unknown_token_is_refused(self):
        self.assertNotEqual(decgen(f'ONE 11q1 {BITS28}\n')[0], 0)

    def test_field_twice_is_refused(self):
        self.assertNotEqual(decgen('ONE a:16 a:16\n')[0], 0)

    def test_name_twice_is_refused(self):
        self.assertNotEqual(decgen(f'ONE 1111 {BITS28}\nONE 0000 {BITS28}\n')[0], 0)

    def test_shared_handler_gets_union_of_fields(self):
        header = decgen(f'ONE 1111 a:4 {"x" * 24} : both\nTWO 0000 b:4 {"x" * 24} : both\n')[2]
        struct = header[header.index('struct a64_both {'):]
        self.assertIn('uint32_t a;', struct)
        self.assertIn('uint32_t b;', struct)

    def test_feature_is_checked_and_absent_row_has_no_handler(self):
        _, _, header, source = decgen(f'ONE 1111 {BITS28} ? LSE\nTWO 0000 {BITS28} ! "not there"\n')
        self.assertIn('arm_has(c->features, ARM_FEAT_LSE)', source)
        self.assertNotIn('a64_two', header)
        self.assertIn('not there', source)

    def test_row_like_another_passes_that_ones_name(self):
        code, message, _, source = decgen(f'ONE 1111 {BITS28} : h\nTWO 0000 {BITS28} : h@ONE ? FP16\n')
        self.assertEqual(code, 0, message)
        two = source[source.index('row_TWO('):source.index('void a64_decode(')]
        self.assertIn('.op = A64_ONE,', two)

    def test_row_like_none_or_one_of_another_handler_is_refused(self):
        self.assertNotEqual(decgen(f'TWO 0000 {BITS28} : h@ONE\n')[0], 0)
        self.assertIn('ONE', decgen(f'ONE 1111 {BITS28} : g\nTWO 0000 {BITS28} : h@ONE\n')[1])


if __name__ == '__main__':
    unittest.main()
