#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs mutate.c on the good image: test_mutated.py MUTATE [COUNT]"""
import os
import subprocess
import sys
import tempfile

import images

with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR", "/var/tmp")) as work:
    count = os.environ.get("ARMVM_MUTATIONS") or (sys.argv[2] if len(sys.argv) > 2 else "10000")
    sys.exit(subprocess.run([sys.argv[1], images.make_good(work), count]).returncode)
