/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outside oracle: writes a static AArch64 ELF that runs a batch of tests and dumps the records,
 * and lets qemu-aarch64-static run it.
 *
 * The ELF's own code is written word by word below. One loop, which the emulator translates once,
 * goes through the records: it copies the test's memory into its area, loads everything, branches
 * to the test's slot, stores everything and copies the memory back. A slot loads X30, which the
 * branch to it needed, and ends with a branch back into the loop. A signal handler on its own stack
 * notes what an instruction was stopped by and goes on there too.
 */
#include "insn.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"

enum {
    BASE = 0x10000000,
    START = 0x1000, /* driver code */
    HANDLER = 0x1e00,
    MAILBOX = 0x3000, /* u64: the record, u64: X30 of the test */
    SETUP = 0x3100,   /* arguments of system calls */
    STACK = 0x4000,   /* signal stack, 16 KiB */
    CODE = 0x10000,
    SLOT = 256,
    PROLOGUE = 4,    /* bytes before the block */
    AREA = 0x100000, /* one every AREA_STEP, the window around the boundary of two pages */
    AREA_STEP = 0x10000,
    PAGE = 0x1000,
    RECORDS = 0x200000,
    AFTER = 832, /* offset of the state after in a record */
    DATA = 1664,
    DATA_AFTER = DATA + INSN_DATA,
    ENTRY = DATA_AFTER + INSN_DATA, /* u64s: the slot's address, */
    WINDOW = ENTRY + 8,             /* where the memory goes, */
    LENGTH = ENTRY + 16,            /* how much of it, */
    SIGNAL = ENTRY + 24,            /* 0 or what it ended with: number, code, address, pc */
    SIGNAL_CODE = ENTRY + 32,
    SIGNAL_VA = ENTRY + 40,
    SIGNAL_PC = ENTRY + 48,
    RECORD = ENTRY + 64,
};

_Static_assert(sizeof(struct insn_state) <= AFTER, "record");
_Static_assert(PROLOGUE + 4 * INSN_MAX_BLOCK + 8 <= SLOT, "slot");
_Static_assert(CODE + INSN_BATCH * SLOT <= AREA, "slots, which lie within 1 MiB of the mailbox");

uint64_t insn_code_va(unsigned n)
{
    return BASE + CODE + (uint64_t)n * SLOT + PROLOGUE;
}

uint64_t insn_data_va(enum insn_area area)
{
    return BASE + AREA + (uint64_t)area * AREA_STEP + PAGE - INSN_DATA / 2;
}

/* ---- code -------------------------------------------------------------------------------------*/

struct writer {
    uint8_t *image;
    uint32_t at;
    bool big_endian;
};

static void put(uint8_t *p, unsigned size, uint64_t value, bool be)
{
    if (be)
        st_be(p, size, value);
    else
        st_le(p, size, value);
}

static uint64_t number_at(const uint8_t *p, bool be)
{
    return be ? ld_be(p, 8) : ld_le(p, 8);
}

/* A state as it lies in the memory of a PE whose data is big-endian, and back: V registers are
 * moved as 128-bit numbers. */
static void swap_state(struct insn_state *s)
{
    uint64_t *x = s->x;
    for (unsigned i = 0; i < 32; i++) {
        uint64_t low = __builtin_bswap64(s->v[i].d[0]);
        s->v[i].d[0] = __builtin_bswap64(s->v[i].d[1]);
        s->v[i].d[1] = low;
    }
    for (unsigned i = 0; i < (sizeof(*s) - sizeof(s->v)) / 8; i++)
        x[i] = __builtin_bswap64(x[i]);
}

static void word(struct writer *w, uint32_t insn)
{
    memcpy(w->image + w->at, &insn, 4);
    w->at += 4;
}

/* MOVZ, MOVK of a 32-bit number. */
static void load_number(struct writer *w, unsigned reg, uint32_t value)
{
    word(w, 0xd2800000u | (value & 0xffff) << 5 | reg);
    word(w, 0xf2a00000u | value >> 16 << 5 | reg);
}

/* LDR and STR of X with an unsigned offset; LDP and STP of Q with a signed one. */
static void load(struct writer *w, unsigned reg, unsigned base, unsigned offset)
{
    word(w, 0xf9400000u | offset / 8 << 10 | base << 5 | reg);
}

static void store(struct writer *w, unsigned reg, unsigned base, unsigned offset)
{
    word(w, 0xf9000000u | offset / 8 << 10 | base << 5 | reg);
}

static void load_pair(struct writer *w, unsigned a, unsigned base, unsigned offset)
{
    word(w, 0xad400000u | (offset / 16 & 0x7f) << 15 | (a + 1) << 10 | base << 5 | a);
}

static void store_pair(struct writer *w, unsigned a, unsigned base, unsigned offset)
{
    word(w, 0xad000000u | (offset / 16 & 0x7f) << 15 | (a + 1) << 10 | base << 5 | a);
}

/* LDR X, from a place of the image within 1 MiB. */
static void load_literal(struct writer *w, unsigned reg, uint32_t place)
{
    word(w, 0x58000000u | ((place - w->at) / 4 & 0x7ffff) << 5 | reg);
}

/* B, B.cond */
static void branch(struct writer *w, uint32_t to)
{
    word(w, 0x14000000u | ((uint32_t)((int32_t)(to - w->at) / 4) & 0x3ffffff));
}

static void branch_if(struct writer *w, unsigned condition, uint32_t to)
{
    word(w, 0x54000000u | ((uint32_t)((int32_t)(to - w->at) / 4) & 0x7ffff) << 5 | condition);
}

static void system_call(struct writer *w, unsigned number)
{
    word(w, 0xd2800000u | number << 5 | 8); /* MOVZ X8, number */
    word(w, 0xd4000001u);                   /* SVC 0 */
}

#define FIELD(name) ((unsigned)offsetof(struct insn_state, name))

/* Copies X2 bytes from X3 to X1, 32 at a time. */
static void copy(struct writer *w)
{
    uint32_t again = w->at;
    word(w, 0xacc10460u); /* LDP Q0, Q1, [X3], 32 */
    word(w, 0xac810420u); /* STP Q0, Q1, [X1], 32 */
    word(w, 0xf1008042u); /* SUBS X2, X2, 32 */
    branch_if(w, 12, again);
}

/* From the record at X0 on; ends with the branch to the slot. */
static void load_state(struct writer *w)
{
    load(w, 1, 0, WINDOW);
    load(w, 2, 0, LENGTH);
    word(w, 0x91000000u | DATA << 10 | 3); /* ADD X3, X0, DATA */
    copy(w);
    for (unsigned i = 0; i < 32; i += 2)
        load_pair(w, i, 0, FIELD(v) + 16 * i);
    load(w, 1, 0, FIELD(nzcv));
    word(w, 0xd51b4201u); /* MSR NZCV, X1 */
    load(w, 1, 0, FIELD(fpcr));
    word(w, 0xd51b4401u); /* MSR FPCR, X1 */
    load(w, 1, 0, FIELD(fpsr));
    word(w, 0xd51b4421u); /* MSR FPSR, X1 */
    load(w, 1, 0, FIELD(sp));
    word(w, 0x9100003fu); /* MOV SP, X1 */
    load_number(w, 2, BASE + MAILBOX);
    load(w, 1, 0, FIELD(x) + 8 * 30);
    store(w, 1, 2, 8);
    word(w, 0xd5033f5fu); /* CLREX */
    for (unsigned i = 1; i < 30; i++)
        load(w, i, 0, FIELD(x) + 8 * i);
    load(w, 30, 0, ENTRY);
    load(w, 0, 0, FIELD(x));
    word(w, 0xd61f03c0u); /* BR X30 */
}

/* Back from a slot; leaves the record's address in X0. */
static void store_state(struct writer *w)
{
    word(w, 0xd51bd040u); /* MSR TPIDR_EL0, X0 */
    load_literal(w, 0, MAILBOX);
    for (unsigned i = 1; i < 31; i++)
        store(w, i, 0, AFTER + FIELD(x) + 8 * i);
    word(w, 0xd53bd041u); /* MRS X1, TPIDR_EL0 */
    store(w, 1, 0, AFTER + FIELD(x));
    word(w, 0xd53b4201u); /* MRS X1, NZCV */
    store(w, 1, 0, AFTER + FIELD(nzcv));
    word(w, 0xd53b4401u); /* MRS X1, FPCR */
    store(w, 1, 0, AFTER + FIELD(fpcr));
    word(w, 0xd53b4421u); /* MRS X1, FPSR */
    store(w, 1, 0, AFTER + FIELD(fpsr));
    word(w, 0x910003e1u); /* MOV X1, SP */
    store(w, 1, 0, AFTER + FIELD(sp));
    word(w, 0x91000000u | AFTER << 10 | 2); /* ADD X2, X0, AFTER */
    for (unsigned i = 0; i < 32; i += 2)
        store_pair(w, i, 2, FIELD(v) + 16 * i);
    load(w, 3, 0, WINDOW);
    load(w, 2, 0, LENGTH);
    word(w, 0x91000000u | DATA_AFTER << 10 | 1); /* ADD X1, X0, DATA_AFTER */
    copy(w);
}

/* Signals 4 (ILL), 5 (TRAP), 7 (BUS) and 11 (SEGV) go to HANDLER, on a stack of their own. */
static void write_signals(struct writer *w)
{
    static const unsigned signals[] = {4, 5, 7, 11};
    uint8_t *action = w->image + SETUP, *stack = w->image + SETUP + 64;
    put(action, 8, BASE + HANDLER, w->big_endian);
    put(action + 8, 8, 0x08000000 | 4, w->big_endian); /* SA_ONSTACK | SA_SIGINFO */
    put(stack, 8, BASE + STACK, w->big_endian);
    put(stack + 16, 8, 16384, w->big_endian);
    load_number(w, 0, BASE + SETUP + 64);
    word(w, 0xd2800001u); /* MOV X1, 0 */
    system_call(w, 132);  /* sigaltstack */
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        word(w, 0xd2800000u | signals[i] << 5);
        load_number(w, 1, BASE + SETUP);
        word(w, 0xd2800002u);
        word(w, 0xd2800103u); /* MOV X3, 8 */
        system_call(w, 134);  /* rt_sigaction */
    }
}

/* munmap (215), or mprotect (226) to reading. */
static void change_second_page(struct writer *w, enum insn_area area, unsigned call)
{
    load_number(w, 0, (uint32_t)insn_data_va(area) + INSN_DATA / 2);
    load_number(w, 1, PAGE);
    load_number(w, 2, 1);
    system_call(w, call);
}

/* write(1, the records); exit(0). */
static void write_end(struct writer *w, uint32_t size)
{
    word(w, 0xd2800033u); /* MOV X19, 1: file */
    load_number(w, 20, BASE + RECORDS);
    load_number(w, 21, size - RECORDS);
    word(w, 0xaa1303e0u); /* again: MOV X0, X19 */
    word(w, 0xaa1403e1u); /* MOV X1, X20 */
    word(w, 0xaa1503e2u); /* MOV X2, X21 */
    system_call(w, 64);
    word(w, 0x8b000294u); /* ADD X20, X20, X0 */
    word(w, 0xeb0002b5u); /* SUBS X21, X21, X0 */
    word(w, 0x54ffff2cu); /* B.GT again */
    word(w, 0xd2800000u);
    system_call(w, 94); /* exit_group */
}

/* Returns where slots branch back to. */
static uint32_t write_driver(struct writer *w, uint32_t size)
{
    w->at = START;
    write_signals(w);
    change_second_page(w, INSN_HOLE, 215);
    change_second_page(w, INSN_READ_ONLY, 226);
    load_number(w, 0, BASE + RECORDS);
    uint32_t next = w->at;
    load_number(w, 1, BASE + MAILBOX);
    store(w, 0, 1, 0);
    load_state(w);
    uint32_t back = w->at;
    store_state(w);
    word(w, 0x91000000u | RECORD << 10); /* ADD X0, X0, RECORD */
    load_number(w, 1, BASE + size);
    word(w, 0xeb01001fu); /* CMP X0, X1 */
    branch_if(w, 3, next);
    write_end(w, size);

    /* X0: number, X1: siginfo, X2: ucontext, whose pc is at 440. */
    w->at = HANDLER;
    load_literal(w, 4, MAILBOX);
    store(w, 0, 4, SIGNAL);
    word(w, 0xb9400825u); /* LDR W5, [X1, 8]: si_code */
    store(w, 5, 4, SIGNAL_CODE);
    load(w, 5, 1, 16); /* si_addr */
    store(w, 5, 4, SIGNAL_VA);
    load(w, 5, 2, 440);
    store(w, 5, 4, SIGNAL_PC);
    load_number(w, 5, BASE + back);
    store(w, 5, 2, 440);
    word(w, 0xd65f03c0u); /* RET */
    return back;
}

static void write_test(struct writer *w, const struct insn_test *test, unsigned n, uint32_t back)
{
    uint8_t *record = w->image + RECORDS + (size_t)n * RECORD;
    uint32_t slot = CODE + (n - test->shares) * SLOT;
    struct insn_state before = test->before;
    if (w->big_endian)
        swap_state(&before);
    memcpy(record, &before, sizeof(before));
    memcpy(record + DATA, test->data, INSN_DATA);
    put(record + ENTRY, 8, BASE + slot, w->big_endian);
    put(record + WINDOW, 8, insn_data_va(test->area), w->big_endian);
    put(record + LENGTH, 8, test->area == INSN_WHOLE ? INSN_DATA : INSN_DATA / 2, w->big_endian);
    if (test->shares)
        return;
    w->at = slot;
    load_literal(w, 30, MAILBOX + 8);
    memcpy(w->image + w->at, test->code, 4 * test->length);
    w->at += 4 * test->length;
    branch(w, back); /* short branches lead to the end of the block or behind it */
    branch(w, back);
}

/* The ELF header and one segment with all of the image. */
static void write_header(uint8_t *image, uint32_t size, bool be)
{
    Elf64_Ehdr *header = (void *)image;
    Elf64_Phdr *segment = (void *)(header + 1);
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = be ? ELFDATA2MSB : ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
#define PUT(field, value) put((uint8_t *)&(field), sizeof(field), value, be)
    PUT(header->e_type, ET_EXEC);
    PUT(header->e_machine, EM_AARCH64);
    PUT(header->e_version, EV_CURRENT);
    PUT(header->e_entry, BASE + START);
    PUT(header->e_phoff, sizeof(*header));
    PUT(header->e_ehsize, sizeof(*header));
    PUT(header->e_phentsize, sizeof(*segment));
    PUT(header->e_phnum, 1);
    PUT(segment->p_type, PT_LOAD);
    PUT(segment->p_flags, PF_R | PF_W | PF_X);
    PUT(segment->p_vaddr, BASE);
    PUT(segment->p_paddr, BASE);
    PUT(segment->p_filesz, size);
    PUT(segment->p_memsz, size);
    PUT(segment->p_align, 0x10000);
#undef PUT
}

/* ---- running ----------------------------------------------------------------------------------*/

static int write_file(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t done = fchmod(fd, 0700) ? -1 : write(fd, data, size);
    close(fd);
    return done == (ssize_t)size ? 0 : -EIO;
}

/* Runs the emulator on path with its output in image from RECORDS on. */
static int run(const char *emulator, const char *path, uint8_t *image, size_t size)
{
    static const struct rlimit cpu = {60, 60};
    int pipes[2], status;
    size_t got = RECORDS;
    if (pipe(pipes))
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
        setrlimit(RLIMIT_CPU, &cpu);
        execlp(emulator, emulator, path, (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    while (child > 0 && got < size) {
        ssize_t n = read(pipes[0], image + got, size - got);
        if (n <= 0)
            break;
        got += (size_t)n;
    }
    close(pipes[0]);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return -ECHILD;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 && got == size ? 0 : -EIO;
}

static enum insn_fault why(uint64_t signal, uint64_t code)
{
    switch (signal) {
    case 0:
        return INSN_RAN;
    case 4:
        return INSN_UNDEFINED;
    case 7:
        return INSN_UNALIGNED;
    case 11:
        return code == 1 ? INSN_NO_PAGE : INSN_NO_WRITE; /* SEGV_MAPERR, SEGV_ACCERR */
    default:
        return INSN_OTHER;
    }
}

static void collect(const uint8_t *image, const struct insn_test *tests, unsigned count, bool be,
                    struct insn_result *results)
{
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *record = image + RECORDS + (size_t)i * RECORD;
        struct insn_result *r = &results[i];
        memcpy(&r->state, record + AFTER, sizeof(r->state));
        if (be)
            swap_state(&r->state);
        memcpy(r->data, record + DATA_AFTER, INSN_DATA);
        if (tests[i].area != INSN_WHOLE) /* nothing can have changed there */
            memcpy(r->data + INSN_DATA / 2, tests[i].data + INSN_DATA / 2, INSN_DATA / 2);
        r->fault = why(number_at(record + SIGNAL, be), number_at(record + SIGNAL_CODE, be));
        r->fault_pc = r->fault ? number_at(record + SIGNAL_PC, be) : 0;
        r->fault_va = r->fault ? number_at(record + SIGNAL_VA, be) : 0;
    }
}

/* The emulator's path: in a directory that ARMVM_QEMU_USER names, or else the host's. */
static const char *emulator(bool big_endian, char path[PATH_MAX])
{
    const char *directory = getenv("ARMVM_QEMU_USER"), *suffix = big_endian ? "_be" : "";
    while (directory && *directory) {
        size_t length = strcspn(directory, ":");
        snprintf(path, PATH_MAX, "%.*s/qemu-aarch64%s", (int)length, directory, suffix);
        if (!access(path, X_OK))
            return path;
        directory += length + (directory[length] == ':');
    }
    snprintf(path, PATH_MAX, "qemu-aarch64%s-static", suffix);
    return path;
}

void insn_oracle_name(bool big_endian, char *name, size_t size)
{
    char path[PATH_MAX], command[PATH_MAX + 32];
    snprintf(command, sizeof(command), "'%s' --version", emulator(big_endian, path));
    FILE *out = popen(command, "r");
    if (!out || fscanf(out, "qemu-%*s version %15[0-9.]", path) != 1)
        strcpy(path, "?");
    snprintf(name, size, "QEMU %.15s", path);
    if (out)
        pclose(out);
}

int insn_oracle(const struct insn_test *tests, unsigned count, bool big_endian,
                struct insn_result *results)
{
    if (count == 0 || count > INSN_BATCH)
        return -EINVAL;
    uint32_t size = RECORDS + count * RECORD;
    uint8_t *image = calloc(1, size);
    char path[] = "/tmp/armvm-insn-XXXXXX";
    int fd = mkstemp(path), ret = -ENOMEM;
    if (fd >= 0)
        close(fd);
    if (image && fd >= 0) {
        char program[PATH_MAX];
        struct writer w = {.image = image, .big_endian = big_endian};
        write_header(image, size, big_endian);
        uint32_t back = write_driver(&w, size);
        /* What a read-only page holds is the same for all tests. */
        memset(image + AREA + INSN_READ_ONLY * AREA_STEP + PAGE, INSN_CONSTANT, PAGE);
        for (unsigned i = 0; i < count; i++)
            write_test(&w, &tests[i], i, back);
        ret = write_file(path, image, size);
        if (!ret)
            ret = run(emulator(big_endian, program), path, image, size);
        if (!ret)
            collect(image, tests, count, big_endian, results);
    }
    if (fd >= 0)
        unlink(path);
    free(image);
    return ret;
}
