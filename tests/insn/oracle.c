/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outside oracle: writes a static AArch64 ELF that runs a batch of tests and dumps the records,
 * and lets qemu-aarch64-static run it.
 *
 * The ELF's own code is written word by word below. Around each block: load everything from the
 * record, the block, store everything; TPIDR_EL0 holds X0 meanwhile. A signal handler on its own
 * stack notes the address of an instruction that faults and steps over it.
 */
#include "insn.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"

enum {
    BASE = 0x10000000,
    START = 0x1000, /* driver code */
    HANDLER = 0x1800,
    CURSOR = 0x1900, /* u64: where the next fault's address goes */
    STACK = 0x2000,  /* signal stack, 16 KiB */
    FAULTS = 0x6000, /* u64 per fault */
    CODE = 0x20000,
    SLOT = 640,     /* bytes of code a test */
    PROLOGUE = 256, /* bytes before the block */
    RECORDS = 0x400000,
    RECORD = 2048,
    AFTER = 832, /* offset of the state after in a record */
    DATA = 1664, /* offset of the memory area */
    MAX_TESTS = 4096,
};

_Static_assert(sizeof(struct insn_state) <= AFTER, "record");

uint64_t insn_code_va(unsigned n)
{
    return BASE + CODE + (uint64_t)n * SLOT + PROLOGUE;
}

uint64_t insn_data_va(unsigned n)
{
    return BASE + RECORDS + (uint64_t)n * RECORD + DATA;
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

/* LDP/STP Q or X with a signed offset. */
static void pair(struct writer *w, uint32_t opcode, unsigned a, unsigned b, unsigned base,
                 unsigned offset, unsigned scale)
{
    word(w, opcode | (offset / scale & 0x7f) << 15 | b << 10 | base << 5 | a);
}

static void system_call(struct writer *w, unsigned number)
{
    word(w, 0xd2800000u | number << 5 | 8); /* MOVZ X8, number */
    word(w, 0xd4000001u);                   /* SVC 0 */
}

#define FIELD(name) ((unsigned)offsetof(struct insn_state, name))

static void load_state(struct writer *w, uint32_t record)
{
    load_number(w, 0, record);
    for (unsigned i = 0; i < 32; i += 2)
        pair(w, 0xad400000u, i, i + 1, 0, FIELD(v) + 16 * i, 16); /* LDP Q */
    word(w, 0xf9400000u | FIELD(nzcv) / 8 << 10 | 1);             /* LDR X1, [X0, nzcv] */
    word(w, 0xd51b4200u | 1);                                     /* MSR NZCV, X1 */
    word(w, 0xf9400000u | FIELD(fpcr) / 8 << 10 | 1);
    word(w, 0xd51b4400u | 1); /* MSR FPCR, X1 */
    word(w, 0xf9400000u | FIELD(fpsr) / 8 << 10 | 1);
    word(w, 0xd51b4420u | 1); /* MSR FPSR, X1 */
    word(w, 0xf9400000u | FIELD(sp) / 8 << 10 | 1);
    word(w, 0x9100003fu); /* MOV SP, X1 */
    word(w, 0xd5033f5fu); /* CLREX */
    for (unsigned i = 1; i < 31; i++)
        word(w, 0xf9400000u | (FIELD(x) + 8 * i) / 8 << 10 | i); /* LDR Xi */
    word(w, 0xf9400000u | FIELD(x) / 8 << 10);
}

static void store_state(struct writer *w, uint32_t record)
{
    word(w, 0xd51bd040u); /* MSR TPIDR_EL0, X0 */
    load_number(w, 0, record + AFTER);
    for (unsigned i = 1; i < 31; i++)
        word(w, 0xf9000000u | (FIELD(x) + 8 * i) / 8 << 10 | i); /* STR Xi */
    word(w, 0xd53bd041u);                                        /* MRS X1, TPIDR_EL0 */
    word(w, 0xf9000000u | FIELD(x) / 8 << 10 | 1);
    word(w, 0xd53b4201u); /* MRS X1, NZCV */
    word(w, 0xf9000000u | FIELD(nzcv) / 8 << 10 | 1);
    word(w, 0xd53b4401u); /* MRS X1, FPCR */
    word(w, 0xf9000000u | FIELD(fpcr) / 8 << 10 | 1);
    word(w, 0xd53b4421u); /* MRS X1, FPSR */
    word(w, 0xf9000000u | FIELD(fpsr) / 8 << 10 | 1);
    word(w, 0x910003e1u); /* MOV X1, SP */
    word(w, 0xf9000000u | FIELD(sp) / 8 << 10 | 1);
    for (unsigned i = 0; i < 32; i += 2)
        pair(w, 0xad000000u, i, i + 1, 0, FIELD(v) + 16 * i, 16); /* STP Q */
}

/* Signals 4 (ILL), 5 (TRAP), 7 (BUS) and 11 (SEGV) go to HANDLER, on a stack of their own. */
static void write_start(struct writer *w)
{
    bool be = w->big_endian;
    static const unsigned signals[] = {4, 5, 7, 11};
    uint8_t *action = w->image + CURSOR + 64, *stack = w->image + CURSOR + 128;
    put(action, 8, BASE + HANDLER, be);
    put(action + 8, 8, 0x08000000 | 4, be); /* SA_ONSTACK | SA_SIGINFO */
    put(stack, 8, BASE + STACK, be);
    put(stack + 16, 8, 16384, be);
    w->at = START;
    load_number(w, 0, BASE + CURSOR + 128);
    word(w, 0xd2800001u); /* MOV X1, 0 */
    system_call(w, 132);  /* sigaltstack */
    for (unsigned i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
        word(w, 0xd2800000u | signals[i] << 5);
        load_number(w, 1, BASE + CURSOR + 64);
        word(w, 0xd2800002u);
        word(w, 0xd2800103u); /* MOV X3, 8 */
        system_call(w, 134);  /* rt_sigaction */
    }
    word(w, 0x14000000u | ((CODE - w->at) / 4)); /* B */

    /* X2: the ucontext, whose pc is at 440. */
    w->at = HANDLER;
    word(w, 0xf9400000u | 440 / 8 << 10 | 2 << 5 | 3); /* LDR X3, [X2, 440] */
    load_number(w, 4, BASE + CURSOR);
    word(w, 0xf9400085u); /* LDR X5, [X4] */
    word(w, 0xf80084a3u); /* STR X3, [X5], 8 */
    word(w, 0xf9000085u); /* STR X5, [X4] */
    word(w, 0x91001063u); /* ADD X3, X3, 4 */
    word(w, 0xf9000000u | 440 / 8 << 10 | 2 << 5 | 3);
    word(w, 0xd65f03c0u); /* RET */
    put(w->image + CURSOR, 8, BASE + FAULTS, be);
}

static void write_test(struct writer *w, const struct insn_test *test, unsigned n)
{
    uint32_t record = RECORDS + n * RECORD, slot = CODE + n * SLOT;
    struct insn_state before = test->before;
    if (w->big_endian)
        swap_state(&before);
    memcpy(w->image + record, &before, sizeof(before));
    memcpy(w->image + record + DATA, test->data, INSN_DATA);
    w->at = slot;
    load_state(w, BASE + record);
    while (w->at < slot + PROLOGUE)
        word(w, 0xd503201fu);
    memcpy(w->image + w->at, test->code, 4 * test->length);
    w->at += 4 * test->length;
    store_state(w, BASE + record);
    word(w, 0x14000000u | ((slot + SLOT - w->at) / 4 & 0x3ffffff)); /* B to the next slot */
}

/* write(1, image from CURSOR on, all); exit(0). */
static void write_end(struct writer *w, unsigned count, uint32_t size)
{
    w->at = CODE + count * SLOT;
    word(w, 0xd2800033u); /* MOV X19, 1: file */
    load_number(w, 20, BASE + CURSOR);
    load_number(w, 21, size - CURSOR);
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

/* Runs the emulator on path with its output in image from CURSOR on. */
static int run(const char *emulator, const char *path, uint8_t *image, size_t size)
{
    int pipes[2], status;
    size_t got = CURSOR;
    if (pipe(pipes))
        return -errno;
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 1);
        close(pipes[0]);
        close(pipes[1]);
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

static void collect(const uint8_t *image, unsigned count, bool be, struct insn_result *results)
{
    uint64_t end = number_at(image + CURSOR, be);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *record = image + RECORDS + (size_t)i * RECORD;
        memcpy(&results[i].state, record + AFTER, sizeof(results[i].state));
        if (be)
            swap_state(&results[i].state);
        memcpy(results[i].data, record + DATA, INSN_DATA);
        results[i].fault = false;
    }
    for (uint64_t at = BASE + FAULTS; at < end && at < BASE + CODE; at += 8) {
        uint64_t fault = number_at(image + (at - BASE), be);
        uint64_t n = (fault - BASE - CODE) / SLOT;
        if (n < count)
            results[n].fault = true;
    }
}

int insn_oracle(const struct insn_test *tests, unsigned count, bool big_endian,
                struct insn_result *results)
{
    if (count == 0 || count > MAX_TESTS)
        return -EINVAL;
    uint32_t size = RECORDS + count * RECORD;
    uint8_t *image = calloc(1, size);
    char path[] = "/tmp/armvm-insn-XXXXXX";
    int fd = mkstemp(path), ret = -ENOMEM;
    if (fd >= 0)
        close(fd);
    if (image && fd >= 0) {
        struct writer w = {.image = image, .big_endian = big_endian};
        write_header(image, size, big_endian);
        write_start(&w);
        for (unsigned i = 0; i < count; i++)
            write_test(&w, &tests[i], i);
        write_end(&w, count, size);
        ret = write_file(path, image, size);
        if (!ret)
            ret = run(big_endian ? "qemu-aarch64_be-static" : "qemu-aarch64-static", path, image,
                      size);
        if (!ret)
            collect(image, count, big_endian, results);
    }
    if (fd >= 0)
        unlink(path);
    free(image);
    return ret;
}
