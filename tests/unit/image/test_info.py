# SPDX-License-Identifier: Apache-2.0
"""armvm image info on images that sfdisk, sgdisk, mkfs.fat, mtools, mke2fs and mkswap made."""
import json
import os
import shutil
import subprocess
import sys
import tempfile

armvm = sys.argv[1]
failures = 0
MIB = 1 << 20
ESP = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B'
os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ['MTOOLS_SKIP_CHECK'] = '1'


def check(name, holds, more=''):
    global failures
    if not holds:
        failures += 1
        print('FAIL', name, more)


def run(*args, stdin=None):
    subprocess.run(args, input=stdin, check=True, capture_output=True, text=True)


def info(path):
    text = subprocess.run([armvm, 'image', 'info', path], capture_output=True, text=True, timeout=60)
    out = subprocess.run([armvm, 'image', 'info', '--format', 'json', path], capture_output=True,
                         text=True, timeout=60)
    check(f'{path} is described', not out.returncode and not text.returncode and text.stdout,
          out.stderr + text.stderr)
    return json.loads(out.stdout)


def ids(where):
    return [finding['id'] for finding in where['findings']]


def empty(path, size):
    with open(path, 'wb') as f:
        f.truncate(size)


def poke(path, offset, data):
    with open(path, 'r+b') as f:
        f.seek(offset)
        f.write(data)


def program(path):
    """The smallest PE32+ that is an EFI application for AArch64."""
    head = bytearray(1024)
    head[0:2], head[0x3c] = b'MZ', 0x80
    head[0x80:0x84] = b'PE\0\0'
    for at, size, value in ((0x84, 2, 0xaa64), (0x86, 2, 1), (0x94, 2, 240), (0x98, 2, 0x20b),
                            (0xa8, 4, 0x1000), (0xd0, 4, 0x2000), (0xdc, 2, 10), (0x104, 4, 16),
                            (0x190, 4, 512), (0x194, 4, 0x1000), (0x198, 4, 512), (0x19c, 4, 512)):
        head[at:at + size] = value.to_bytes(size, 'little')
    head[0x188:0x18d] = b'.text'
    with open(path, 'wb') as f:
        f.write(head)


with tempfile.TemporaryDirectory() as d:
    disk, esp, efi, long = f'{d}/disk', f'{d}/esp', f'{d}/efi', f'{d}/long'
    program(efi)

    # FAT types follow from the number of clusters; labels and numbers are read.
    for bits, size, sectors in ((12, 4, 8), (16, 32, 4), (32, 64, 1)):
        empty(esp, size * MIB)
        run('mkfs.fat', '-F', str(bits), '-s', str(sectors), '-n', f'FAT{bits}', '-i', '1234ABCD', esp)
        got = info(esp)['contents']
        check(f'FAT{bits}', got == {'kind': f'FAT{bits}', 'label': f'FAT{bits}', 'uuid': '1234-ABCD'}, got)

    # An ESP with a boot loader, long names, fragmented files.
    empty(disk, 80 * MIB)
    run('sfdisk', '-q', disk, stdin=f'label: gpt\nstart=2048,size=64MiB,type={ESP},name=Ümläut\n'
                                    'start=65MiB,size=8MiB,type=L\nstart=73MiB,type=S\n')
    run('mmd', '-i', esp, '::/EFI', '::/EFI/BOOT', '::/EFI/A vendor with a long name')
    run('mcopy', '-i', esp, efi, '::/EFI/BOOT/bootaa64.efi')
    run('mcopy', '-i', esp, efi, '::/EFI/A vendor with a long name/Größe.with.dots.efi')
    with open(long, 'wb') as f:
        f.write(b'no program')
    run('mcopy', '-i', esp, long, '::/EFI/BOOT/BROKEN.EFI')
    with open(disk, 'r+b') as f, open(esp, 'rb') as e:
        f.seek(MIB)
        shutil.copyfileobj(e, f)
    run('mke2fs', '-q', '-F', '-t', 'ext4', '-L', 'root fs', '-U', '01234567-89ab-cdef-0123-456789abcdef',
        '-E', f'offset={65 * MIB}', disk, '8M')
    empty(long, 6 * MIB)
    run('mkswap', '-q', '-L', 'pages', long)
    with open(disk, 'r+b') as f, open(long, 'rb') as e:
        f.seek(73 * MIB)
        f.write(e.read(65536))
    got = info(disk)
    check('GPT', got['table']['kind'] == 'gpt' and not ids(got['table']) and got['sector-size'] == 512, got['table'])
    parts = got['partitions']
    check('three partitions', [p['number'] for p in parts] == [1, 2, 3])
    check('names', parts[0]['name'] == 'Ümläut' and parts[0]['type-name'] == 'EFI system partition', parts[0])
    check('contents', [p['contents']['kind'] for p in parts] == ['FAT32', 'ext4', 'swap'], parts)
    check('ext4 label', parts[1]['contents'] == {'kind': 'ext4', 'label': 'root fs',
                                                 'uuid': '01234567-89ab-cdef-0123-456789abcdef'})
    check('swap label', parts[2]['contents']['label'] == 'pages')
    check('no findings', not ids(parts[0]), parts[0]['findings'])
    loaders = {loader['path']: loader for loader in parts[0]['loaders']}
    check('loaders are found', sorted(loaders) ==
          ['/EFI/A vendor with a long name/Größe.with.dots.efi', '/EFI/BOOT/BROKEN.EFI', '/EFI/BOOT/bootaa64.efi'],
          sorted(loaders))
    check('the program is judged', loaders['/EFI/BOOT/bootaa64.efi'].get('machine-name') == 'AArch64' and
          not ids(loaders['/EFI/BOOT/bootaa64.efi']), loaders)
    check('what is no program is said', not loaders['/EFI/BOOT/BROKEN.EFI']['pe'])

    # Damage, one kind each, on copies.
    copy = f'{d}/copy'
    fat_start = MIB + int.from_bytes(open(esp, 'rb').read(16)[14:16], 'little') * 512
    for name, offset, data, where, finding in (
            ('first header', 512 + 9, b'x', 'table', 'gpt-header-crc'),
            ('first array', 1024 + 56, b'x', 'table', 'gpt-array-crc'),
            ('backup header', 80 * MIB - 512, b'x' * 8, 'table', 'gpt-backup-missing'),
            ('protective MBR', 450, b'\x83', 'table', 'mbr-not-protective'),
            ('first FAT', fat_start + 400, b'\1\2\3\4', 0, 'fat-copies-differ'),
            ('root cluster', MIB + 44, b'\0\0\0\0', 0, 'fat32-root'),
            ('total sectors', MIB + 32, (1 << 20).to_bytes(4, 'little'), 0, 'fat-beyond-end'),
            ('boot sector', MIB + 510, b'\0\0', 0, 'esp-not-fat')):
        shutil.copyfile(disk, copy)
        poke(copy, offset, data)
        got = info(copy)
        found = ids(got['table'] if where == 'table' else got['partitions'][where])
        check(f'damaged {name} is found', finding in found, found)
        check(f'damaged {name}: the partitions are still there', len(got['partitions']) == 3)

    # A larger disk than the table knows; a smaller one.
    shutil.copyfile(disk, copy)
    os.truncate(copy, 100 * MIB)
    check('a grown disk is noted', 'gpt-backup-place' in ids(info(copy)['table']))
    os.truncate(copy, 70 * MIB)
    check('a cut disk is found', 'gpt-backup-missing' in ids(info(copy)['table']))

    # FAT32 by its fields with too few clusters: what firmware may refuse.
    empty(esp, 20 * MIB)
    run('mkfs.fat', '-F', '32', '-s', '1', esp)
    empty(disk, 32 * MIB)
    run('sfdisk', '-q', disk, stdin=f'label: gpt\nstart=2048,size=20MiB,type={ESP}\n')
    with open(disk, 'r+b') as f, open(esp, 'rb') as e:
        f.seek(MIB)
        f.write(e.read())
    check('too few clusters are found', 'fat32-clusters' in ids(info(disk)['partitions'][0]))

    # MBR; a hybrid one; other file systems.
    empty(disk, 32 * MIB)
    run('sfdisk', '-q', disk, stdin='label: dos\nstart=2048,size=20480,type=ef\ntype=83\n')
    got = info(disk)
    check('MBR', got['table']['kind'] == 'mbr' and [p['type'] for p in got['partitions']] == [0xef, 0x83], got)
    if shutil.which('sgdisk'):
        empty(disk, 32 * MIB)
        run('sgdisk', '-a', '8', '-n', '5:2048:+4M', '-t', '5:8200', '-c', '5:five', '-h', '5', disk)
        got = info(disk)
        check('hybrid MBR is noted', 'mbr-hybrid' in ids(got['table']) and got['partitions'][0]['number'] == 5, got)
    for tool, kind, args in (('mkfs.xfs', 'xfs', ['-q', '-f', '-L', 'label']),
                             ('mkfs.btrfs', 'btrfs', ['-q', '-f', '-L', 'label']),
                             ('mke2fs', 'ext2', ['-q', '-F', '-t', 'ext2', '-L', 'label']),
                             ('mke2fs', 'ext3', ['-q', '-F', '-t', 'ext3', '-L', 'label'])):
        if shutil.which(tool):
            empty(disk, 320 * MIB)
            run(tool, *args, disk)
            got = info(disk)['contents']
            check(kind, got['kind'] == kind and got['label'] == 'label' and len(got['uuid']) == 36, got)
    empty(disk, MIB)
    got = info(disk)
    check('nothing', got['table']['kind'] == 'none' and got['contents'] is None and not got['partitions'])

print(f'{failures} failures')
sys.exit(failures != 0)
