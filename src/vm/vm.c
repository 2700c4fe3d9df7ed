/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's life: back ends and board are built, the loop runs until the guest, the user, a
 * signal, --timeout or --expect ends it. All of it happens on the thread that created the vm; vCPU
 * threads only post to the loop.
 */
#include "vm/vm.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "backend/chr/chr.h"
#include "backend/net/net.h"
#include "base/error.h"
#include "base/trace.h"
#include "host/clock.h"
#include "host/file.h"
#include "host/loop.h"
#include "machine/board/board.h"
#include "vm/code_store.h"
#include "vm/config.h"
#include "vm/console.h"
#include "vm/expect.h"
#include "vm/flash.h"
#include "vm/gdb.h"
#include "vm/login.h"
#include "vm/notify.h"

enum { POWER_BUTTON_SECONDS = 10 };

static const uint64_t SECOND = 1000000000;

struct vm {
    const struct vm_config *config;
    struct loop *loop;
    struct console *console;
    struct chr *serial2; /* PL011's other end, when the console is another device */
    const char *serial;  /* where that is; NULL: there is no PL011 */
    struct expect *expect;
    struct blk *blk[VM_MAX_DISKS + 1]; /* and cloud-init's seed */
    struct net *net[VM_MAX_NETS];
    struct flash flash;
    struct login login;
    struct board_config board_config;
    struct board *board;
    struct gdb *gdb;
    struct trace trace;
    char *append;
    char waiting[80], hint[400];

    int signals; /* signalfd */
    struct loop_fd *signals_watch;
    sigset_t signals_before;
    struct loop_timer *timeout, *power_timeout;
    uint64_t started;
    unsigned resets;
    int asked_by; /* the signal that wants the guest to power off, or 0 */
};

/* --- ends ----------------------------------------------------------------------------------- */

static void end(struct vm *vm, int status)
{
    loop_quit(vm->loop, status);
}

static double running_seconds(const struct vm *vm)
{
    return (double)(host_now_ns() - vm->started) / (double)SECOND;
}

static void on_power_off(void *ctx)
{
    struct vm *vm = ctx;

    if (!vm->expect || console_finish(vm->console)) {
        end(vm, VM_EXIT_OFF);
        return;
    }
    console_say(vm->console,
                "the guest powered off and printed nothing that matches --expect '%s'%s%s%s",
                vm->config->expect, *expect_line(vm->expect) ? "; its last line: '" : "",
                expect_line(vm->expect), *expect_line(vm->expect) ? "'" : "");
    end(vm, VM_EXIT_FAILED);
}

static void on_reset(void *ctx)
{
    struct vm *vm = ctx;
    struct error err = {0};

    vm->resets++;
    if (board_reset(vm->board, &err)) {
        console_say(vm->console, "the guest cannot be reset: %s", err.text);
        end(vm, VM_EXIT_HOST);
    }
}

/* On a vCPU thread. */
static void power(void *ctx, bool reset)
{
    struct vm *vm = ctx;

    loop_post(vm->loop, reset ? on_reset : on_power_off, vm);
}

static void on_match(void *ctx)
{
    struct vm *vm = ctx;

    console_say(vm->console, "--expect matched after %.1f s: '%s'", running_seconds(vm),
                expect_line(vm->expect));
    end(vm, VM_EXIT_OFF);
}

static void on_timeout(void *ctx)
{
    struct vm *vm = ctx;
    double seconds = (double)vm->config->timeout_ns / (double)SECOND;

    if (console_finish(vm->console)) {
        on_match(vm);
        return;
    }
    if (vm->expect)
        console_say(vm->console,
                    "--timeout: nothing matched --expect '%s' in %g s; last line: '%s'",
                    vm->config->expect, seconds, expect_line(vm->expect));
    else
        console_say(vm->console, "--timeout: stopped after %g s", seconds);
    end(vm, VM_EXIT_TIMEOUT);
}

/* --- signals and the menu ------------------------------------------------------------------- */

static void on_power_timeout(void *ctx)
{
    struct vm *vm = ctx;

    console_say(vm->console, "the guest did not power off within %d s; stopped",
                POWER_BUTTON_SECONDS);
    end(vm, VM_EXIT_SIGNAL + vm->asked_by);
}

/* The first time the guest is asked to power off, the second time it ends. */
static void terminate(struct vm *vm, int signal)
{
    if (vm->asked_by) {
        console_say(vm->console, "stopped by a second signal (%s)", strsignal(signal));
        end(vm, VM_EXIT_SIGNAL + signal);
        return;
    }
    vm->asked_by = signal;
    if (!board_power_button(vm->board)) {
        console_say(vm->console, "stopped (%s)", strsignal(signal));
        end(vm, VM_EXIT_SIGNAL + signal);
        return;
    }
    vm_notify("STOPPING=1");
    console_say(vm->console, "%s: pressed the power button; stops in %d s or at the next signal",
                strsignal(signal), POWER_BUTTON_SECONDS);
    loop_timer_set(vm->power_timeout, host_now_ns() + POWER_BUTTON_SECONDS * SECOND);
}

static void on_signal(void *ctx, int fd, unsigned events)
{
    struct vm *vm = ctx;
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
        return;
    switch (info.ssi_signo) {
    case SIGTSTP:
        console_suspend(vm->console);
        break;
    case SIGCONT:
        console_continue(vm->console);
        break;
    case SIGWINCH:
        console_resized(vm->console);
        break;
    case SIGQUIT:
        console_say(vm->console, "stopped (%s)", strsignal(SIGQUIT));
        end(vm, VM_EXIT_SIGNAL + SIGQUIT);
        break;
    default:
        terminate(vm, (int)info.ssi_signo);
    }
}

static int watch_signals(struct vm *vm)
{
    static const int handled[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(handled) / sizeof(handled[0]); i++) {
        struct sigaction action;
        /* nohup and a shell's background jobs ignore signals for a reason. */
        if (sigaction(handled[i], NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            continue;
        sigaddset(&set, handled[i]);
    }
    pthread_sigmask(SIG_BLOCK, &set, &vm->signals_before);
    vm->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (vm->signals < 0)
        return -errno;
    return loop_fd_add(vm->loop, vm->signals, LOOP_READ, on_signal, vm, &vm->signals_watch);
}

static void on_gdb_kill(void *ctx)
{
    struct vm *vm = ctx;

    console_say(vm->console, "stopped by the debugger");
    end(vm, VM_EXIT_OFF);
}

static void menu_quit(void *ctx)
{
    end(ctx, VM_EXIT_OFF);
}

static void menu_power_button(void *ctx)
{
    struct vm *vm = ctx;

    if (board_power_button(vm->board))
        console_say(vm->console, "pressed the power button");
    else
        console_say(vm->console, "this machine has no power button the guest would notice; shut "
                                 "it down from inside, or quit (Ctrl-] q)");
}

static void menu_status(void *ctx)
{
    struct vm *vm = ctx;
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    console_say(vm->console,
                "running for %.1f s, %.1f s of host CPU; %u CPUs, %" PRIu64 " MiB, %u disks, %u "
                "networks, %u resets",
                running_seconds(vm),
                (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                    (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6,
                vm->board_config.cpus, vm->board_config.memory >> 20, vm->board_config.disks,
                vm->board_config.nets, vm->resets);
}

/* --- building ------------------------------------------------------------------------------- */

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* What the user may be missing when nothing is printed: the console that the kernel was told to
 * use, or the one it would need. */
static void make_hint(struct vm *vm)
{
    const char *console = vm->append ? strstr(vm->append, "console=") : NULL;
    bool virtio = vm->config->console == VM_CONSOLE_VIRTIO;
    const char *right = virtio ? "hvc0" : "ttyAMA0";

    if (console) {
        const char *name = console + strlen("console=");
        int len = (int)strcspn(name, " ,");
        if (len != (int)strlen(right) || memcmp(name, right, (size_t)len))
            snprintf(vm->hint, sizeof(vm->hint),
                     "The kernel was told console=%.*s, but the console here is %s: try --append "
                     "'console=%s'.",
                     len > 60 ? 60 : len, name, right, right);
        else
            snprintf(vm->hint, sizeof(vm->hint),
                     "console=%s is right; 'earlycon' in --append shows where a kernel stops.",
                     right);
    } else if (!vm->config->kernel) {
        snprintf(vm->hint, sizeof(vm->hint), "The image may use another console: this one is %s%s.",
                 right,
                 virtio ? ", which firmware does not know (try --console pl011)"
                        : " (try --console virtio)");
    } else {
        snprintf(vm->hint, sizeof(vm->hint),
                 "The image may use another console: this one is %s%s; 'earlycon' in --append "
                 "shows where a kernel stops.",
                 right, virtio ? " (try --console pl011)" : " (try --console virtio)");
    }
}

static int make_append(struct vm *vm, struct error *err)
{
    const char *append = vm->config->append ? vm->config->append : "";

    /* The device tree names the PL011 as the console, but nothing can name a virtio console. */
    if (vm->config->kernel && vm->config->console == VM_CONSOLE_VIRTIO &&
        !strstr(append, "console=")) {
        if (asprintf(&vm->append, "%s%sconsole=hvc0", append, *append ? " " : "") < 0)
            vm->append = NULL;
    } else {
        vm->append = strdup(append);
    }
    if (!vm->append)
        return error_set(err, -ENOMEM, "out of memory");
    return 0;
}

static int make_console(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;
    bool virtio = config->console == VM_CONSOLE_VIRTIO;
    struct console_config console = {
        .spec = config->blueprint           ? "none"
                : virtio || !config->serial ? "stdio"
                                            : config->serial,
        .waiting = vm->waiting,
        .hint = vm->hint,
        .expect = vm->expect,
        .events = {menu_quit, on_reset, menu_power_button, menu_status, on_match, vm},
    };

    snprintf(vm->waiting, sizeof(vm->waiting), "starting %s",
             config->kernel  ? base_name(config->kernel)
             : config->disks ? base_name(config->disk[0].path)
                             : "the firmware");
    make_hint(vm);
    return console_create(&console, vm->loop, &vm->console, err);
}

/* A PL011 beside a virtio console: where it is asked for, or for firmware that stops without. */
static int make_serial(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;

    if (config->console != VM_CONSOLE_VIRTIO)
        return 0;
    vm->serial = config->serial;
    if (!vm->serial && vm->flash.code && firmware_needs_uart(vm->flash.firmware.code))
        vm->serial = "none";
    if (!vm->serial)
        return 0;
    return chr_create(vm->loop, config->blueprint ? "none" : vm->serial, &vm->serial2, err);
}

static int check_file(const char *what, const char *path, uint64_t memory, struct error *err)
{
    int rc = path ? file_check(what, path, memory, NULL, err) : 0;

    if (rc == -EFBIG)
        error_set(err, rc, "%s: %s does not fit into the guest's memory (--memory %" PRIu64 "M)",
                  what, path, memory >> 20);
    return rc;
}

/* Before anything else is opened: the likeliest mistakes. */
static int check_files(const struct vm_config *config, struct error *err)
{
    int rc = check_file("--kernel", config->kernel, config->memory, err);

    return rc ? rc : check_file("--initrd", config->initrd, config->memory, err);
}

static enum board_bus bus_of(const struct vm *vm, enum vm_bus said)
{
    enum vm_bus bus = said == VM_BUS_UNSAID ? vm->config->virtio_bus : said;

    /* Images of all systems find devices on PCI; a kernel alone is up sooner without its scan. */
    if (bus == VM_BUS_UNSAID)
        bus = vm_config_firmware(vm->config) ? VM_BUS_PCI : VM_BUS_MMIO;
    return bus == VM_BUS_PCI ? BOARD_BUS_PCI : BOARD_BUS_MMIO;
}

/* The last disk. */
static int open_seed(struct vm *vm, struct error *err)
{
    unsigned at = vm->config->disks;
    int rc;

    if (at == BOARD_MAX_DISKS)
        return error_set(err, -EINVAL,
                         "--user: cloud-init's seed needs a disk more than there are");
    rc = login_open_seed(vm->config, &vm->login, &vm->blk[at], err);
    if (rc)
        return rc;
    vm->board_config.disk[at].blk = vm->blk[at];
    vm->board_config.disk[at].bus = bus_of(vm, VM_BUS_UNSAID);
    vm->board_config.disks = at + 1;
    return 0;
}

static void disk_notice(void *ctx, const char *line)
{
    const struct vm *vm = ctx;

    console_say(vm->console, "%s", line);
}

static int open_disks(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;

    for (unsigned i = 0; i < config->disks; i++) {
        const struct vm_disk *disk = &config->disk[i];
        struct blk_config blk = {
            .path = disk->path,
            .readonly = disk->readonly,
            .ephemeral = config->ephemeral && !disk->readonly,
            .format = disk->format,
            .notice = disk_notice,
            .notice_ctx = vm,
        };
        int rc = blk_open(&blk, &vm->blk[i], err);
        if (rc)
            return rc;
        vm->board_config.disk[i].blk = vm->blk[i];
        vm->board_config.disk[i].bus = bus_of(vm, disk->bus);
        vm->board_config.disk[i].legacy = disk->legacy || config->legacy_virtio;
        vm->board_config.disks = i + 1;
    }
    return login_wanted(config) ? open_seed(vm, err) : 0;
}

static int open_flash(struct vm *vm, struct error *err)
{
    int rc = flash_open(vm->config, &vm->flash, err);

    vm->board_config.flash_code = vm->flash.code;
    vm->board_config.flash_vars = vm->flash.vars;
    return rc;
}

static int open_nets(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;
    /* The default when --net is not given. */
    static const struct vm_net user = {.spec = (char *)""};
    const struct vm_net *net = config->net_given ? config->net : &user;
    unsigned count = config->net_given ? config->nets : 1;

    if (config->blueprint)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        /* Locally administered, and the same for every run: guests name cards after it. */
        uint8_t mac[6] = {0x52, 0x54, 0x00, 0x61, 0x76, (uint8_t)(i + 1)};
        bool image = !config->net_given && vm_config_firmware(config);
        int rc = image ? login_open_net(vm->loop, &vm->login, &vm->net[i], err)
                       : net_user_create(vm->loop, net[i].spec, &vm->net[i], err);
        /* Built without libslirp: nobody asked for a network, so go without. */
        if (rc == -ENOTSUP && !config->net_given)
            return 0;
        if (rc)
            return rc;
        vm->board_config.net[i].net = vm->net[i];
        memcpy(vm->board_config.net[i].mac, net[i].has_mac ? net[i].mac : mac, 6);
        vm->board_config.net[i].bus = bus_of(vm, net[i].bus);
        vm->board_config.net[i].legacy = net[i].legacy || config->legacy_virtio;
        vm->board_config.nets = i + 1;
    }
    return 0;
}

static int open_trace(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;

    if (!config->trace)
        return 0;
    vm->trace.out =
        config->trace_file ? fopen(config->trace_file, "we") : console_open_stderr(vm->console);
    if (!vm->trace.out)
        return error_set(err, -EIO, "--trace-file: %s: %s",
                         config->trace_file ? config->trace_file : "standard error",
                         strerror(errno));
    vm->board_config.trace = &vm->trace;
    return 0;
}

static int make_board(struct vm *vm, struct error *err)
{
    const struct vm_config *config = vm->config;
    struct board_config *board = &vm->board_config;
    bool virtio = config->console == VM_CONSOLE_VIRTIO;
    char directory[PATH_MAX];
    int rc;

    if (!config->blueprint && !config->dry_run)
        board->code_store = code_store_directory(config->code_store, directory, sizeof(directory));
    board->code_store_asked = config->code_store;
    board->cpus = config->cpus;
    board->memory = config->memory;
    board->gic = config->gic;
    board->acpi = config->acpi;
    board->cpu = config->cpu;
    board->engine = config->engine;
    board->host_cpu = config->host_cpu;
    board->without = config->without;
    board->code_cache = config->code_cache;
    board->tier2_us = config->tier2_us;
    board->perf_map = config->perf_map;
    board->kernel = config->kernel;
    board->initrd = config->initrd;
    board->append = vm->append;
    board->serial = virtio ? vm->serial2 : console_chr(vm->console);
    board->virtio_console = virtio ? console_chr(vm->console) : NULL;
    board->rng = config->rng;
    board->virtio_bus = bus_of(vm, VM_BUS_UNSAID);
    board->loop = vm->loop;
    board->power = power;
    board->power_ctx = vm;
    rc = board_virt_create(board, &vm->board, err);
    board->code_store = NULL; /* it may lie in what ends here */
    return rc;
}

static int make_gdb(struct vm *vm, struct error *err)
{
    struct gdb_config gdb = {
        .loop = vm->loop,
        .engine = board_engine(vm->board),
        .port = vm->config->gdb_port,
        .wait = vm->config->gdb_wait,
        .kill = on_gdb_kill,
        .ctx = vm,
    };

    return vm->config->gdb ? gdb_create(&gdb, &vm->gdb, err) : 0;
}

static int out_of_memory(struct error *err)
{
    return error_set(err, -ENOMEM, "out of memory");
}

/* In the order in which they need one another. */
static int make_parts(struct vm *vm, struct error *err)
{
    int rc = make_append(vm, err);
    if (!rc)
        rc = make_console(vm, err);
    if (!rc)
        rc = open_trace(vm, err);
    if (!rc)
        rc = open_disks(vm, err);
    if (!rc)
        rc = open_flash(vm, err);
    if (!rc)
        rc = make_serial(vm, err);
    if (!rc)
        rc = open_nets(vm, err);
    if (!rc)
        rc = make_board(vm, err);
    if (!rc)
        rc = make_gdb(vm, err);
    return rc;
}

int vm_create(const struct vm_config *config, struct vm **out, int *status, struct error *err)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    int rc;

    *status = VM_EXIT_HOST;
    if (!vm)
        return out_of_memory(err);
    vm->config = config;
    vm->signals = -1;

    rc = vm_config_check(config, err);
    if (rc) {
        *status = VM_EXIT_USAGE;
        goto fail;
    }
    rc = check_files(config, err);
    if (!rc && config->expect)
        rc = expect_create(&vm->expect, config->expect, err);
    if (!rc && config->trace)
        rc = trace_parse(&vm->trace, config->trace, err);
    if (rc)
        goto fail;
    rc = loop_create(&vm->loop, err);
    if (rc)
        goto fail;
    /* Before any thread exists, so that all of them leave signals to us. */
    rc = watch_signals(vm);
    if (rc) {
        error_set(err, rc, "cannot watch signals: %s", strerror(-rc));
        goto fail;
    }
    if (loop_timer_create(vm->loop, on_timeout, vm, &vm->timeout) ||
        loop_timer_create(vm->loop, on_power_timeout, vm, &vm->power_timeout)) {
        rc = out_of_memory(err);
        goto fail;
    }
    rc = make_parts(vm, err);
    if (rc)
        goto fail;
    *out = vm;
    return 0;

fail:
    /* The message names an option when that is what has to change. */
    if (rc == -EINVAL && !strncmp(err->text, "--", 2))
        *status = VM_EXIT_USAGE;
    vm_destroy(vm);
    return rc;
}

void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    /* Users before what they use: the board stops the vCPUs and lets go of the back ends. */
    gdb_destroy(vm->gdb);
    if (vm->board)
        board_destroy(vm->board);
    for (unsigned i = 0; i < VM_MAX_NETS; i++)
        if (vm->net[i])
            net_destroy(vm->net[i]);
    for (unsigned i = 0; i <= VM_MAX_DISKS; i++)
        if (vm->blk[i])
            blk_close(vm->blk[i]);
    flash_close(&vm->flash);
    if (vm->serial2)
        chr_destroy(vm->serial2);
    if (vm->trace.out)
        fclose(vm->trace.out);
    console_destroy(vm->console);
    loop_timer_destroy(vm->timeout);
    loop_timer_destroy(vm->power_timeout);
    if (vm->signals >= 0) {
        loop_fd_remove(vm->signals_watch);
        close(vm->signals);
        pthread_sigmask(SIG_SETMASK, &vm->signals_before, NULL);
    }
    loop_destroy(vm->loop);
    expect_destroy(vm->expect);
    free(vm->append);
    free(vm);
}

/* --- running -------------------------------------------------------------------------------- */

static void print_stats(struct vm *vm)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    fprintf(stderr,
            "armvm: %.3f s, host CPU %.3f s user and %.3f s system, %ld MiB resident at most, "
            "%" PRIu64 " bytes on the console, %u resets\n",
            running_seconds(vm), (double)use.ru_utime.tv_sec + (double)use.ru_utime.tv_usec / 1e6,
            (double)use.ru_stime.tv_sec + (double)use.ru_stime.tv_usec / 1e6, use.ru_maxrss >> 10,
            console_bytes(vm->console), vm->resets);
    engine_print_stats(board_engine(vm->board), stderr);
}

/* How to get in. */
static void say_login(struct vm *vm)
{
    const struct login *login = &vm->login;

    if (*login->user)
        console_say(vm->console, "cloud-init is told of the user %s with %u public key%s",
                    login->user, login->keys, login->keys == 1 ? "" : "s");
    if (login->ssh_port)
        console_say(vm->console, "the guest's SSH server is at: ssh -p %u %s%s127.0.0.1",
                    login->ssh_port, login->user, *login->user ? "@" : "");
}

int vm_run(struct vm *vm)
{
    struct error err = {0};
    int status;

    vm->started = host_now_ns();
    console_start(vm->console);
    if (board_start(vm->board, &err)) {
        console_say(vm->console, "%s", err.text);
        return VM_EXIT_HOST;
    }
    if (vm->config->timeout_ns)
        loop_timer_set(vm->timeout, vm->started + vm->config->timeout_ns);
    if (vm->serial2 && !strcmp(vm->serial, "pty"))
        console_say(vm->console, "the serial port is on %s", chr_name(vm->serial2));
    if (vm->gdb)
        console_say(vm->console, "debugger: target remote 127.0.0.1:%u%s", gdb_port(vm->gdb),
                    vm->config->gdb_wait ? " (the guest waits for it)" : "");
    say_login(vm);
    vm_notify("READY=1\nSTATUS=The guest runs");
    status = loop_run(vm->loop);
    vm_notify("STOPPING=1");
    /* It stands still while it is looked at and taken apart. */
    engine_pause(board_engine(vm->board));
    console_stop(vm->console);
    if (vm->config->stats)
        print_stats(vm);
    return status;
}

const void *vm_fdt(const struct vm *vm, size_t *size)
{
    return board_fdt(vm->board, size);
}

int vm_acpi(struct vm *vm,
            int (*visit)(void *ctx, const char *name, const void *table, size_t size,
                         struct error *err),
            void *ctx, struct error *err)
{
    return board_visit_acpi(vm->board, visit, ctx, err);
}

static const char *bus_name(enum board_bus bus)
{
    return bus == BOARD_BUS_PCI ? "PCI" : "virtio-mmio";
}

void vm_print_plan(struct vm *vm, FILE *out)
{
    const struct vm_config *config = vm->config;
    const struct board_config *board = &vm->board_config;
    static const char *const engines[] = {"auto", "translate", "interpret", "kvm"};
    size_t fdt;

    vm_fdt(vm, &fdt);
    fprintf(out, "board      virt, GICv%u\n", board->gic ? board->gic : 3);
    fprintf(out, "cpus       %u x %s, engine %s\n", board->cpus, board->cpu ? board->cpu : "max",
            engines[board->engine]);
    fprintf(out, "memory     %" PRIu64 " MiB\n", board->memory >> 20);
    if (vm->flash.code)
        fprintf(out, "firmware   %s\nvariables  %s%s\ndescribed  by %s\n", vm->flash.firmware.code,
                vm->flash.vars_path ? vm->flash.vars_path : "are not kept",
                vm->flash.vars_path && config->ephemeral ? ", changes are thrown away" : "",
                board->acpi ? "ACPI tables" : "a device tree");
    if (board->kernel)
        fprintf(out, "kernel     %s\n", board->kernel);
    if (board->initrd)
        fprintf(out, "initrd     %s\n", board->initrd);
    if (*vm->append)
        fprintf(out, "append     %s\n", vm->append);
    fprintf(out, "console    %s on %s\n", board->virtio_console ? "virtio" : "pl011",
            config->serial && !board->virtio_console ? config->serial : "stdio");
    if (vm->serial2)
        fprintf(out, "serial     pl011 on %s\n", vm->serial);
    for (unsigned i = 0; i < config->disks; i++)
        fprintf(out, "disk       %s, %" PRIu64 " MiB, %s%s%s%s\n", config->disk[i].path,
                blk_size(board->disk[i].blk) >> 20, bus_name(board->disk[i].bus),
                blk_readonly(board->disk[i].blk) ? ", read-only" : "",
                config->ephemeral ? ", writes are thrown away" : "",
                board->disk[i].legacy ? ", legacy virtio" : "");
    for (unsigned i = 0; i < board->nets; i++) {
        const uint8_t *mac = board->net[i].mac;
        fprintf(out, "net        user%s%s, %02x:%02x:%02x:%02x:%02x:%02x, %s%s\n",
                config->net_given && *config->net[i].spec ? " " : "",
                config->net_given ? config->net[i].spec : "", mac[0], mac[1], mac[2], mac[3],
                mac[4], mac[5], bus_name(board->net[i].bus),
                board->net[i].legacy ? ", legacy virtio" : "");
    }
    if (*vm->login.user)
        fprintf(out, "cloud-init user %s, public keys: %u\n", vm->login.user, vm->login.keys);
    if (vm->login.ssh_port)
        fprintf(out, "ssh        127.0.0.1 port %u\n", vm->login.ssh_port);
    fprintf(out, "rng        %s%s\n", board->rng ? "on, " : "off",
            board->rng ? bus_name(board->virtio_bus) : "");
    fprintf(out, "devicetree %zu bytes\n", fdt);
    if (vm->gdb)
        fprintf(out, "gdb        port %u%s\n", gdb_port(vm->gdb),
                config->gdb_wait ? ", the guest waits" : "");
    if (config->expect)
        fprintf(out, "expect     %s\n", config->expect);
    if (config->timeout_ns)
        fprintf(out, "timeout    %g s\n", (double)config->timeout_ns / (double)SECOND);
}
