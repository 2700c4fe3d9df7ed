# SPDX-License-Identifier: Apache-2.0
"""armvm acpi writes tables that iasl reads and, compiled from its text again, are the same."""
import os
import shutil
import subprocess
import sys
import tempfile

armvm = os.path.abspath(sys.argv[1])
TABLES = {'dsdt', 'facp', 'apic', 'gtdt', 'pptt', 'spcr', 'dbg2', 'xsdt'}
MACHINES = [(2, 1, '512M'), (2, 8, '6G'), (3, 1, '6G'), (3, 8, '512M'), (3, 123, '6G')]
failures = []

if not shutil.which('iasl'):
    print('iasl (package acpica-tools) is missing')
    sys.exit(77)


def iasl(directory, *args):
    out = subprocess.run(['iasl', *args], cwd=directory, capture_output=True, text=True)
    text = out.stdout + out.stderr
    return '' if out.returncode == 0 and 'nvalid' not in text and \
        ('-d' in args or '0 Errors, 0 Warnings, 0 Remarks' in text) else text


def check(directory, name):
    with open(f'{directory}/{name}.dat', 'rb') as f:
        table = f.read()
    if sum(table) & 0xff:
        return 'the checksum is wrong'
    if int.from_bytes(table[4:8], 'little') != len(table):
        return 'the length is wrong'
    wrong = iasl(directory, '-d', f'{name}.dat') or \
        iasl(directory, '-oa', '-vr', '-p', 'again', f'{name}.dsl')
    if wrong:
        return wrong
    with open(f'{directory}/again.aml', 'rb') as f:
        again = f.read()
    # All but the checksum and the compiler's name and revision.
    if (table[:9], table[10:28], table[36:]) != (again[:9], again[10:28], again[36:]):
        return 'is not the same after iasl'
    return None


for gic, cpus, memory in MACHINES:
    with tempfile.TemporaryDirectory() as d:
        machine = ['--gic', str(gic), '--cpus', str(cpus), '--memory', memory]
        subprocess.run([armvm, 'acpi', '--output', f'{d}/tables', *machine], check=True,
                       stdout=subprocess.DEVNULL)
        found = {name[:-4] for name in os.listdir(f'{d}/tables')}
        if not TABLES <= found:
            failures.append(f'{machine}: no {TABLES - found}')
        for name in sorted(found):
            wrong = check(f'{d}/tables', name)
            if wrong:
                failures.append(f'{machine}: {name}: {wrong}')

for failure in failures:
    print('FAIL', failure)
sys.exit(bool(failures))
