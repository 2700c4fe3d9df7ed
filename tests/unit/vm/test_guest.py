# SPDX-License-Identifier: Apache-2.0
"""armvm run from the outside, with a guest of 35 instructions: ends, signals, terminal, menu."""
import concurrent.futures
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

armvm = sys.argv[1]
only = sys.argv[2:]
# What a shell's background jobs ignore, armvm leaves ignored, and would not be stopped by.
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.SIG_DFL)

# An arm64 Image (Linux Documentation/arch/arm64/booting.rst) that prints "ready", then echoes what
# it gets on the PL011 at 0x09000000. 'q' powers off, 'r' resets (PSCI over HVC); 'b' listens to the
# power button (PL061 at 0x09030000, line 3) and powers off when it is pressed, 'i' only pretends to.
HEADER = {0: 0x14000010, 4: 0x10000, 14: 0x644d5241}  # b start; image_size; "ARM\x64"
START = [
    0xd2a12013,  # start: movz x19, #0x900, lsl #16
    0xd2a12074,  #        movz x20, #0x903, lsl #16
    0x52800015,  #        movz w21, #0
    0x52b08002,  #        movz w2, #0x8400, lsl #16
    0x52800103,  #        movz w3, #8
    0x52806020,  #        movz w0, #0x301
    0xb9003260,  #        str  w0, [x19, #0x30]        UARTCR: UARTEN, TXE, RXE
    0x10000361,  #        adr  x1, text
    0x38401420,  # 1:     ldrb w0, [x1], #1
    0x34000060,  #        cbz  w0, 2f
    0xb9000260,  #        str  w0, [x19]               UARTDR
    0x17fffffd,  #        b    1b
    0xb9402280,  # 2:     ldr  w0, [x20, #0x20]        GPIODATA, line 3
    0x6a15001f,  #        tst  w0, w21
    0x54000221,  #        b.ne 5f
    0xb9401a60,  #        ldr  w0, [x19, #0x18]        UARTFR
    0x3727ff80,  #        tbnz w0, #4, 2b              RXFE
    0xb9400260,  #        ldr  w0, [x19]
    0xb9000260,  #        str  w0, [x19]               UARTDR
    0x7101c41f,  #        cmp  w0, #'q'
    0x54000160,  #        b.eq 5f
    0x7101c81f,  #        cmp  w0, #'r'
    0x54000100,  #        b.eq 4f
    0x7101881f,  #        cmp  w0, #'b'
    0x1a950075,  #        csel w21, w3, w21, eq
    0x54000060,  #        b.eq 3f
    0x7101a41f,  #        cmp  w0, #'i'
    0x54fffe21,  #        b.ne 2b
    0xb9041283,  # 3:     str  w3, [x20, #0x410]       GPIOIE
    0x17ffffef,  #        b    2b
    0x11000442,  # 4:     add  w2, w2, #1
    0x11002040,  # 5:     add  w0, w2, #8              SYSTEM_OFF, SYSTEM_RESET
    0xd4000002,  #        hvc  #0
    0x14000000,  #        b    .
    0x64616572,  # text:  "ready\r\n"
    0x000a0d79,
]


def image():
    words = [HEADER.get(i, 0) for i in range(16)] + START
    return b''.join(word.to_bytes(4, 'little') for word in words) + bytes(4096)


directory = tempfile.TemporaryDirectory()
kernel = f'{directory.name}/Image'
with open(kernel, 'wb') as f:
    f.write(image())
RUN = [armvm, 'run', '--kernel', kernel, '--net', 'none', '--memory', '64M', '--cpus', '1']
tests = []


def test(function):
    tests.append(function)
    return function


class Guest:
    """A run with pipes, or with a terminal of its own."""

    def __init__(self, *args, terminal=False, env=None):
        self.seen = b''
        self.terminal = None
        if terminal:
            self.master, self.terminal = pty.openpty()
            self.before = termios.tcgetattr(self.terminal)
            self.process = subprocess.Popen([*RUN, *args], stdin=self.terminal,
                                            stdout=self.terminal, stderr=self.terminal,
                                            preexec_fn=self.lead, env=env)
        else:
            self.process = subprocess.Popen([*RUN, *args], stdin=subprocess.PIPE, bufsize=0,
                                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            env=env)
            self.master = self.process.stdout.fileno()

    def lead(self):
        os.setsid()
        import fcntl
        fcntl.ioctl(self.terminal, termios.TIOCSCTTY, 0)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            more = os.read(self.master, 65536)
        except OSError:
            more = b''
        self.seen += more
        return bool(more)

    def wait_for(self, text, seconds=15):
        end = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > end or not self.read(0.5) and self.process.poll() is not None:
                raise AssertionError(f'no {text!r} in {self.seen!r}')

    def type(self, text):
        os.write(self.master if self.terminal else self.process.stdin.fileno(), text)

    def ends(self, status, seconds=15):
        end = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f'still runs; {self.seen!r}')
            self.read(0.05)
        while self.read(0.05):
            pass
        if self.process.returncode != status:
            raise AssertionError(f'status {self.process.returncode}, not {status}; {self.seen!r}')

    def says(self, text):
        assert text in self.seen, f'no {text!r} in {self.seen!r}'

    def is_raw(self):
        return not termios.tcgetattr(self.terminal)[3] & (termios.ICANON | termios.ECHO |
                                                          termios.ISIG)

    def restored(self):
        for _ in range(200):
            if termios.tcgetattr(self.terminal) == self.before:
                return
            time.sleep(0.01)
        raise AssertionError('the terminal is not restored')


@test
def power_off_ends_with_0():
    guest = Guest()
    guest.wait_for(b'ready')
    guest.type(b'abcq')
    guest.ends(0)
    assert guest.seen == b'ready\r\nabcq', guest.seen


@test
def reset_runs_again():
    guest = Guest('--stats')
    guest.wait_for(b'ready')
    guest.type(b'r')
    guest.wait_for(b'ready\r\nrready')
    guest.type(b'r')
    guest.wait_for(b'rready\r\nrready')
    guest.type(b'q')
    guest.ends(0)
    guest.says(b'2 resets')


@test
def timeout_ends_with_124():
    guest = Guest('--timeout', '0.5')
    guest.ends(124)
    guest.says(b'armvm: --timeout: stopped after 0.5 s\n')


@test
def expected_line_ends_with_0():
    guest = Guest('--expect', '^rea.y$', '--timeout', '20')
    guest.ends(0)
    guest.says(b"--expect matched after")


@test
def expected_prompt_ends_with_0():
    guest = Guest('--expect', '^pa[s]t> $', '--timeout', '20')
    guest.wait_for(b'ready')
    guest.type(b'past> ')
    guest.ends(0)


@test
def power_off_without_the_expected_line_ends_with_1():
    guest = Guest('--expect', 'success')
    guest.wait_for(b'ready')
    guest.type(b'faile q')
    guest.ends(1)
    guest.says(b"nothing that matches --expect 'success'; its last line: 'faile q'\n")


@test
def expected_line_just_before_power_off_counts():
    guest = Guest('--expect', 'aq$')
    guest.wait_for(b'ready')
    guest.type(b'aq')
    guest.ends(0)


@test
def timeout_without_the_expected_line_ends_with_124():
    guest = Guest('--expect', 'success', '--timeout', '0.7')
    guest.ends(124)
    guest.says(b"last line: 'ready'")


def signalled(number):
    guest = Guest()
    guest.wait_for(b'ready')
    guest.process.send_signal(number)
    guest.ends(128 + number)
    guest.says(b'armvm: stopped (')


@test
def sigterm_stops_a_guest_without_power_button_handler():
    signalled(signal.SIGTERM)


@test
def sigterm_presses_the_power_button():
    guest = Guest()
    guest.wait_for(b'ready')
    guest.type(b'b.')
    guest.wait_for(b'b.')  # it is done with the first when it echoes the second
    guest.process.terminate()
    guest.ends(0)
    guest.says(b'armvm: Terminated: pressed the power button')


@test
def second_sigterm_stops_a_guest_that_ignores_the_power_button():
    guest = Guest()
    guest.wait_for(b'ready')
    guest.type(b'i.')
    guest.wait_for(b'i.')  # it is done with the first when it echoes the second
    guest.process.terminate()
    guest.wait_for(b'pressed the power button')
    time.sleep(0.3)
    assert guest.process.poll() is None
    guest.process.terminate()
    guest.ends(128 + signal.SIGTERM)
    guest.says(b'stopped by a second signal')


@test
def guest_that_ignores_the_power_button_is_stopped_after_10_s():
    guest = Guest()
    guest.wait_for(b'ready')
    guest.type(b'i.')
    guest.wait_for(b'i.')  # it is done with the first when it echoes the second
    guest.process.terminate()
    start = time.monotonic()
    guest.ends(128 + signal.SIGTERM, 20)
    assert 9 < time.monotonic() - start < 15
    guest.says(b'did not power off within 10 s')


@test
def sigint_stops_when_not_on_a_terminal():
    signalled(signal.SIGINT)


@test
def sigquit_stops_at_once():
    signalled(signal.SIGQUIT)


@test
def closed_input_does_not_end_the_guest():
    guest = Guest('--timeout', '1')
    guest.wait_for(b'ready')
    guest.process.stdin.close()
    guest.ends(124)


@test
def console_goes_to_a_file():
    path = f'{directory.name}/log'
    guest = Guest('--serial', f'file:{path}', '--expect', '^ready$')
    guest.ends(0)
    with open(path, 'rb') as f:
        assert f.read() == b'ready\r\n'


@test
def virtio_console_is_the_only_one_unless_the_serial_port_is_asked_for():
    guest = Guest('--console', 'virtio', '--dry-run')
    guest.ends(0)
    assert b'pl011' not in guest.seen
    path = f'{directory.name}/beside'
    guest = Guest('--console', 'virtio', '--serial', f'file:{path}', '--timeout', '1')
    guest.ends(124)
    with open(path, 'rb') as f:
        assert f.read().startswith(b'ready')
    assert b'ready' not in guest.seen


@test
def firmware_that_is_not_edk2_keeps_a_serial_port():
    """The same program as U-Boot would be: what it prints is not heard, and it runs."""
    path = f'{directory.name}/firmware.bin'
    with open(path, 'wb') as f:
        f.write(b''.join(word.to_bytes(4, 'little') for word in START) + bytes(4096))
    options = ('--firmware', path, '--memory', '128M', '--console', 'virtio')
    guest = Guest(*options, '--dry-run')
    guest.ends(0)
    guest.says(b'serial     pl011 on none')
    guest = Guest(*options, '--timeout', '1')
    guest.ends(124)
    assert b'ready' not in guest.seen


@test
def service_manager_is_told_when_the_guest_runs():
    path = f'{directory.name}/notify'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.settimeout(15)
        guest = Guest('--timeout', '1', env={**os.environ, 'NOTIFY_SOCKET': path})
        assert b'READY=1' in s.recv(4096)
        guest.ends(124)


@test
def terminal_is_raw_and_restored_after_power_off():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    assert guest.is_raw()
    guest.type(b'\x03\x1aq')  # Ctrl-C and Ctrl-Z are keys
    guest.ends(0)
    guest.says(b'ready\r\n\x03\x1aq')
    guest.restored()


@test
def terminal_is_restored_after_sigkill():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    assert guest.is_raw()
    guest.process.kill()
    guest.ends(-signal.SIGKILL)
    guest.restored()


@test
def terminal_is_restored_after_a_crash():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.process.send_signal(signal.SIGABRT)
    guest.ends(-signal.SIGABRT)
    guest.restored()


@test
def terminal_is_restored_after_sigterm():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.process.terminate()
    guest.ends(128 + signal.SIGTERM)
    guest.restored()


@test
def terminal_is_restored_after_timeout():
    guest = Guest('--timeout', '1', terminal=True)
    guest.ends(124)
    guest.restored()


@test
def menu_quits():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.type(b'\x1d')
    guest.wait_for(b'q quit')
    guest.type(b'q')
    guest.ends(0)
    guest.restored()


@test
def menu_resets():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.type(b'\x1dr')
    end = time.monotonic() + 15
    while guest.seen.count(b'ready') < 2 and time.monotonic() < end:
        guest.read(0.5)
    assert guest.seen.count(b'ready') == 2, guest.seen
    guest.type(b'q')
    guest.ends(0)


@test
def menu_shows_the_status():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.type(b'\x1ds')
    guest.wait_for(b'armvm: running for')
    guest.type(b'q')
    guest.ends(0)


@test
def menu_presses_the_power_button():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.type(b'b.')
    guest.wait_for(b'b.')
    guest.type(b'\x1dp')
    guest.ends(0)


@test
def menu_key_twice_reaches_the_guest_once():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.type(b'\x1d\x1d')
    guest.wait_for(b'\x1d')
    guest.type(b'\x1dxq')  # x only closes the menu
    guest.ends(0)
    assert guest.seen.count(b'\x1d') == 1 and b'x' not in guest.seen.split(b'keys go back')[-1]


@test
def stopped_process_gives_the_terminal_back():
    guest = Guest(terminal=True)
    guest.wait_for(b'ready')
    guest.process.send_signal(signal.SIGTSTP)
    assert os.WIFSTOPPED(os.waitpid(guest.process.pid, os.WUNTRACED)[1])
    guest.restored()
    guest.process.send_signal(signal.SIGCONT)
    for _ in range(200):
        if guest.is_raw():
            break
        time.sleep(0.01)
    assert guest.is_raw()
    guest.type(b'q')
    guest.ends(0)
    guest.restored()


@test
def dry_run_prints_the_plan_and_runs_nothing():
    guest = Guest('--dry-run')
    guest.ends(0)
    assert b'ready' not in guest.seen
    for word in (b'virt, GICv3', b'64 MiB', kernel.encode(), b'rng        on'):
        guest.says(word)


def outcome(function):
    try:
        function()
    except Exception as error:  # a broken test must not hide the others
        return f'{type(error).__name__} {error}'
    return None


# A few at a time: most of the time they wait.
wanted = [function for function in tests if not only or function.__name__ in only]
failures = 0
with concurrent.futures.ThreadPoolExecutor(3) as pool:
    for function, error in zip(wanted, pool.map(outcome, wanted)):
        print('FAIL' if error else 'ok  ', function.__name__, error or '')
        failures += error is not None
sys.exit(failures != 0)
