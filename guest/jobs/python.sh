# SPDX-License-Identifier: Apache-2.0
# Python's own regression tests: arithmetic, hashes, threads, processes.
cd /tmp || exit 1
python3 -m test test_math test_cmath test_float test_long test_struct test_hashlib test_zlib \
    test_threading test_subprocess test_json test_decimal test_random
