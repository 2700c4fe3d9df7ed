# SPDX-License-Identifier: Apache-2.0
"""Hostile command lines: each ends with one line on standard error and status 2 or 3, quickly."""
import fcntl
import os
import subprocess
import sys
import tempfile

armvm = sys.argv[1]
failures = 0


def fail(args, why, result):
    global failures
    failures += 1
    print(f'FAIL {" ".join(args)}: {why}\n  status {result.returncode}\n'
          f'  stdout {result.stdout[:300]!r}\n  stderr {result.stderr[:600]!r}')


def start(args, env=None):
    return subprocess.run([armvm, *args], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=20, env=env and {**os.environ, **env})


def refused(status, words, *args, env=None):
    result = start(args, env)
    err = result.stderr.decode(errors='replace')
    if result.returncode != status:
        fail(args, f'status is not {status}', result)
    elif err.count('\n') != 1 or not err.endswith('\n'):
        fail(args, 'not one line', result)
    elif not err.startswith('armvm'):
        fail(args, 'does not name the program', result)
    elif words.lower() not in err.lower():
        fail(args, f'does not say {words!r}', result)
    elif result.stdout:
        fail(args, 'printed something', result)


def says(words, *args, env=None):
    result = start(args, env)
    if result.returncode or words not in result.stdout.decode():
        fail(args, f'does not say {words!r}', result)


def fine(*args):
    result = start(args)
    if result.returncode or result.stderr or not result.stdout:
        fail(args, 'not fine', result)


def arm64_image(path):
    """A header that says it is an arm64 Linux Image (booting.rst), then an endless loop."""
    head = bytearray(64)
    head[0:4] = (0x14000000).to_bytes(4, 'little')  # b .
    head[16:24] = (0x10000).to_bytes(8, 'little')   # image_size
    head[56:60] = b'ARM\x64'
    with open(path, 'wb') as f:
        f.write(head + bytes(4096))


with tempfile.TemporaryDirectory() as d:
    kernel, empty, text = f'{d}/Image', f'{d}/empty', f'{d}/text'
    image, fifo, locked = f'{d}/disk.img', f'{d}/fifo', f'{d}/locked'
    arm64_image(kernel)
    open(empty, 'w').close()
    with open(text, 'w') as f:
        f.write('This is no kernel.\n' * 100)
    with open(image, 'wb') as f:
        f.truncate(1 << 20)
    os.mkfifo(fifo)
    run = ('run', '--kernel', kernel)

    # Commands.
    refused(2, "did you mean 'armvm run'", 'rnu')
    refused(2, 'armvm help', 'frobnicate')
    refused(2, 'a command comes first', '--kernel', kernel)
    refused(2, "'armvm image create', 'armvm image info', 'armvm image fix'", 'image')
    refused(2, "'armvm image create', 'armvm image info', 'armvm image fix'", 'image', 'frobnicate')
    refused(2, 'which image?', 'check')
    refused(2, "did you mean --profile?", 'check', '--profil', 'v1.0', 'x')
    refused(3, 'there is no such file', 'check', '/nonexistent.img')
    refused(2, 'which image?', 'image', 'fix')
    refused(3, 'there is no such file', 'image', 'fix', '/nonexistent.img')
    for name in ('ctl',):
        refused(2, 'does not have', name)
        refused(2, 'does not have', 'help', name)

    # Options.
    refused(2, 'there is nothing to boot', 'run')
    refused(2, 'did you mean --kernel', 'run', '--kernal', kernel)
    refused(2, 'did you mean --memory', *run, '-m', '1G')
    refused(2, 'needs no -nographic', *run, '-nographic')
    refused(2, 'needs a value', 'run', '--kernel')
    refused(2, 'takes no value', *run, '--stats=1')
    refused(2, 'there is nothing to boot', 'run', '--firmware', 'none')
    refused(2, 'a disk image is booted by firmware', 'run', '--firmware', 'none', image)
    refused(2, 'only firmware has variables', *run, '--vars', f'{d}/v')
    refused(2, 'firmware needs 128 MiB', 'run', image, '--memory', '64M')
    refused(2, 'an image to boot already', 'run', image, 'y.img')
    refused(3, 'x.img: there is no such file', 'run', 'x.img')
    refused(2, f'is a kernel: --kernel {kernel}', 'run', kernel)
    refused(3, 'fifo: is neither a file nor a block device', 'run', fifo)
    refused(2, 'needs a kernel', 'run', '--initrd', kernel)
    refused(2, 'needs a kernel', 'run', '--append', 'quiet')
    for size in ('0', '1M', '-1', '', '1Q', '512', '99999999999999999999', '16777215T'):
        refused(2, '--memory', *run, '--memory', size)
    for cpus in ('0', '124', '-1', 'two', '4294967298', ''):
        refused(2, '--cpus', *run, '--cpus', cpus)
    refused(2, 'GICv2', *run, '--gic', '2', '--cpus', '9')
    refused(2, '--gic', *run, '--gic', '1')
    refused(2, '--cpu', *run, '--cpu', 'pentium')
    refused(2, 'regular expression', *run, '--expect', '(')
    refused(2, 'regular expression', *run, '--expect', '')
    refused(2, '--trace', *run, '--trace', 'everything')
    refused(2, '--trace-file', *run, '--trace-file', f'{d}/t')
    refused(2, '--ephemeral', *run, '--ephemeral')
    refused(2, '--timeout', *run, '--timeout', '0')
    refused(2, '--serial', *run, '--serial', 'modem')
    refused(2, '--serial', *run, '--console', 'virtio', '--serial', 'stdio')
    refused(2, '--net', *run, '--net', 'user,hostfwd=nonsense')
    refused(2, '--net', *run, '--net', 'user,hostfwd=tcp:99999:22')
    refused(2, 'room for 16 disks', *run, *(['--disk', image] * 17))
    refused(2, 'room for 8 networks', *run, *(['--net', 'user'] * 9))
    refused(2, 'too many', 'cpus', 'all')
    refused(2, 'no option', 'version', '--verbose')
    refused(2, 'no option', 'dt', '--disk', image)

    # armvm image.
    create = ('image', 'create', '--output', f'{d}/new.img')
    for size in ('0', '1M', '17T', 'big'):
        refused(2, '--size', *create, '--size', size)
    for name in ('', '-x', 'x-', 'a_b', 'a.b', 'x' * 64):
        refused(2, 'host name', *create, '--hostname', name)
    for name in ('', '0x', 'A', 'a b', 'x' * 33, 'root'):
        refused(2, '--user', *create, '--user', name)
    for name in ('', 'x;y', 'a,,b', '-o', '../x', 'a\nb'):
        refused(2, '--include', *create, '--include', name)
    for url in ('', 'ftp://x/', 'http://', 'http://x y', 'http://x/ [trusted=yes]', '/srv/debian'):
        refused(2, '--mirror', *create, '--mirror', url)
    refused(2, '--suite', *create, '--suite', '../x')
    refused(2, '--password', *create, '--password', '')
    refused(2, '--password', *create, '--password', 'a\nb')
    refused(2, '--format', *create, '--format', 'vmdk')
    refused(2, 'exclude', *create, '--quiet', '--verbose')
    refused(2, 'public key', *create, '--ssh-key', text)
    refused(3, 'No such file', *create, '--ssh-key', f'{d}/nonexistent')
    refused(3, '--force', 'image', 'create', '--output', image)
    refused(3, 'directory', 'image', 'create', '--output', d)
    refused(3, 'No such file', 'image', 'create', '--output', f'{d}/no/x.img')
    refused(2, 'which image', 'image', 'info')
    refused(2, 'one image', 'image', 'info', image, image)
    refused(3, 'No such file', 'image', 'info', f'{d}/nonexistent')
    refused(3, 'directory', 'image', 'info', d)
    refused(3, '', 'image', 'info', fifo)

    # Files and the host.
    missing = f'{d}/nonexistent'
    for bad, words in ((missing, 'No such file'), (d, 'directory'), (empty, 'empty'),
                       (text, text), ('', ''), (fifo, ''), ('/dev/zero', '')):
        refused(3, words, 'run', '--kernel', bad)
        if bad != text:
            refused(3, words, *run, '--initrd', bad)
    for bad, words in ((missing, 'No such file'), (d, 'directory'), (fifo, ''), ('/dev/zero', '')):
        refused(3, words, *run, '--disk', f'path={bad}')
    refused(3, 'disk.img', *run, '--disk', image, '--disk', image)  # two writers
    refused(2, '--memory', *run, '--memory', '200T')
    refused(3, '--memory', *run, '--memory', '200G')
    refused(3, '--trace-file', *run, '--trace', 'exc', '--trace-file', f'{missing}/x')
    refused(3, '', *run, '--serial', f'file:{missing}/x')
    refused(3, '', *run, '--serial', f'file:{d}')
    refused(3, '--out', 'dt', '--out', f'{missing}/x')
    refused(2, '--output DIR is missing', 'acpi')
    refused(3, image, 'acpi', '--output', image)
    refused(3, 'No such file', 'acpi', '--output', f'{missing}/x')
    refused(2, '--acpi: only firmware', *run, '--acpi')
    big = f'{d}/big'
    with open(big, 'wb') as f:
        f.truncate(64 << 20)
    refused(3, 'does not fit', *run, '--memory', '16M', '--initrd', big)

    firmware, short = f'{d}/fw.fd', f'{d}/short.vars'
    with open(firmware, 'wb') as f:
        f.write(bytes(range(256)) * 4096)
    with open(short, 'wb') as f:
        f.write(b'a text')
    with open(locked, 'wb') as f:
        f.truncate(768 << 10)
    uefi = ('run', '--firmware', firmware, image)
    for bad, words in ((missing, 'No such file'), (d, 'directory'), (empty, 'empty'), (fifo, ''),
                       ('/dev/zero', ''), (big + '2', '64 MiB')):
        if bad == big + '2':
            with open(bad, 'wb') as f:
                f.truncate((64 << 20) + 1)
        refused(3, words, 'run', '--firmware', bad)
    refused(2, 'is a kernel: --kernel', 'run', '--firmware', kernel)
    refused(2, 'short.vars: has 6 bytes', *uefi, '--vars', short)
    refused(2, 'has 67108865 bytes', *uefi, '--vars', big + '2')
    refused(2, 'is no regular file', *uefi, '--vars', '/dev/null')
    refused(3, f'{missing}/v: No such file', *uefi, '--vars', f'{missing}/v')
    with open(locked, 'r+b') as f:
        fcntl.lockf(f, fcntl.LOCK_EX)
        refused(3, 'locked: is in use by another machine', *uefi, '--vars', locked)
        refused(3, 'locked: is in use by another machine', *uefi, '--vars', locked, '--ephemeral')

    # What is right.
    fine('help')
    fine('help', 'run')
    fine('run', '--help')
    fine('dt', '--help')
    fine('cpus')
    fine('image', 'info', image)
    fine('image', 'info', '--format', 'json', image)
    fine('image', 'create', '--help')
    fine('help', 'image', 'info')
    fine('version')
    fine('--version')
    fine('dt')
    fine('acpi', '--output', f'{d}/acpi')
    fine('acpi', '--output', f'{d}/acpi', '--cpus', '8', '--gic', '2')
    fine('dt', '--cpus', '8', '--gic', '2')
    fine(*run, '--dry-run')
    fine(*uefi, '--dry-run')
    fine('run', '--firmware', firmware, '--dry-run')
    fine(*uefi, '--vars', locked, '--kernel', kernel, '--append', 'x', '--dry-run')
    if os.path.exists(image + '.vars'):
        print('FAIL: --dry-run made a variables file')
        failures += 1
    key = f'{d}/key.pub'
    with open(key, 'w') as f:
        f.write('ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey anna@host\n')
    cloud = f'{d}/debian-genericcloud.img'
    os.link(image, cloud)
    refused(2, 'login name', *uefi, '--user', 'Anna B')
    refused(2, 'cloud', *run, '--user', 'anna')
    refused(2, 'OpenSSH', *uefi, '--ssh-key', text)
    refused(3, 'ssh-keygen', *uefi, '--user', 'anna', env={'HOME': d})
    says('user anna, public keys: 1', *uefi, '--user', 'anna', '--ssh-key', key, '--dry-run')
    os.makedirs(f'{d}/.ssh')
    os.link(key, f'{d}/.ssh/id_ed25519.pub')
    says('public keys: 1', 'run', '--firmware', firmware, cloud, '--dry-run', env={'HOME': d})
    says('127.0.0.1 port 22', *uefi, '--dry-run')
    fine(*run, '--dry-run', '--disk', f'path={image},readonly', '--disk', f'{image},readonly')
    fine(*run, '--dry-run', '--disk', image, '--ephemeral', '--net', 'none', '--no-rng')

# Standard output that takes nothing.
with open('/dev/full', 'wb') as full:
    for args in (['version'], ['dt'], ['cpus'], ['help', 'run']):
        result = subprocess.run([armvm, *args], stdout=full, stderr=subprocess.PIPE)
        result.stdout = b''
        if result.returncode != 3 or result.stderr.count(b'\n') != 1:
            fail(args, 'does not notice a full disk', result)

print(f'{failures} failures')
sys.exit(failures != 0)
