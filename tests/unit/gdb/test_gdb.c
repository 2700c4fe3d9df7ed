/* SPDX-License-Identifier: Apache-2.0 */
/* The GDB stub as a debugger meets it: packets over TCP, with an engine that only keeps account. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arm/cpu.h"
#include "arm/hooks.h"
#include "base/bits.h"
#include "engine/engine.h"
#include "host/loop.h"
#include "machine/mem/mem.h"
#include "vm/gdb.h"

enum { RAM = 0x40000000, CPUS = 2 };

struct engine {
    struct arm_cpu *cpu[CPUS];
    _Atomic int pauses;
    _Atomic unsigned resumes;
    int stepped; /* the CPU of the last engine_step, or -1 */
    _Atomic uint64_t breakpoint, watchpoint, watch_len;
    _Atomic unsigned watch_access, breakpoints, watchpoints;
    void (*event)(void *ctx, const struct engine_debug_event *event);
    void *ctx;
};

unsigned engine_cpus(const struct engine *engine)
{
    return CPUS;
}

struct arm_cpu *engine_cpu(struct engine *engine, unsigned index)
{
    return index < CPUS ? engine->cpu[index] : NULL;
}

void engine_pause(struct engine *engine)
{
    engine->pauses++;
}

/* A step is over as soon as the engine may run. */
void engine_resume(struct engine *engine)
{
    engine->pauses--;
    engine->resumes++;
    if (engine->stepped >= 0) {
        struct engine_debug_event event = {(unsigned)engine->stepped, ENGINE_STEPPED, 0};
        engine->cpu[engine->stepped]->pc += 4;
        engine->stepped = -1;
        engine->event(engine->ctx, &event);
    }
}

int engine_set_breakpoint(struct engine *engine, uint64_t va, bool set)
{
    engine->breakpoint = va;
    engine->breakpoints += set ? 1 : -1u;
    return 0;
}

int engine_set_watchpoint(struct engine *engine, uint64_t va, uint64_t len, unsigned access,
                          bool set)
{
    engine->watchpoint = va;
    engine->watch_len = len;
    engine->watch_access = access;
    engine->watchpoints += set ? 1 : -1u;
    return 0;
}

void engine_step(struct engine *engine, unsigned cpu)
{
    engine->stepped = (int)cpu;
}

void engine_set_debugger(struct engine *engine,
                         void (*event)(void *ctx, const struct engine_debug_event *event),
                         void *ctx)
{
    engine->event = event;
    engine->ctx = ctx;
}

static void no_op(struct arm_cpu *cpu)
{
}

static const struct arm_engine_ops ops = {
    .context_changed = no_op, .debug_changed = no_op, .kick = no_op};

/* The loop runs on its own thread; the test is the debugger. */
struct bench {
    struct engine engine;
    struct arm_features features;
    struct arm_hooks hooks;
    struct mem *mem;
    struct loop *loop;
    struct gdb *gdb;
    pthread_t thread;
    int fd;
    bool no_ack;
    _Atomic bool killed;
    uint64_t written;
};

static void *run_loop(void *ctx)
{
    loop_run(ctx);
    return NULL;
}

static void on_kill(void *ctx)
{
    ((struct bench *)ctx)->killed = true;
}

static void written(void *ctx, uint64_t pa, uint64_t len)
{
    ((struct bench *)ctx)->written = pa;
}

static int dial(struct bench *b)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(gdb_port(b->gdb)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

static int setup(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct gdb_config config = {.kill = on_kill, .ctx = b};

    assert_int_equal(arm_features_parse(&b->features, "max", NULL), 0);
    assert_int_equal(mem_create(&b->mem, NULL), 0);
    assert_int_equal(mem_add_ram(b->mem, RAM, 1 << 20, "ram", NULL), 0);
    mem_set_observer(b->mem, written, b);
    b->engine.stepped = -1;
    for (unsigned i = 0; i < CPUS; i++) {
        struct arm_cpu *cpu = aligned_alloc(16, align_up(sizeof(*cpu), 16));
        memset(cpu, 0, sizeof(*cpu));
        cpu->index = i;
        cpu->features = &b->features;
        cpu->hooks = &b->hooks;
        cpu->mem = b->mem;
        cpu->engine_ops = &ops;
        cpu->power = i ? ARM_POWER_OFF : ARM_POWER_ON;
        arm_cpu_reset(cpu, RAM + 0x1000 * i, 0);
        b->engine.cpu[i] = cpu;
    }
    assert_int_equal(loop_create(&b->loop, NULL), 0);
    config.loop = b->loop;
    config.engine = &b->engine;
    assert_int_equal(gdb_create(&config, &b->gdb, NULL), 0);
    assert_int_equal(pthread_create(&b->thread, NULL, run_loop, b->loop), 0);
    b->fd = dial(b);
    *state = b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;

    close(b->fd);
    loop_quit(b->loop, 0);
    pthread_join(b->thread, NULL);
    gdb_destroy(b->gdb);
    assert_int_equal(b->engine.pauses, 0);
    assert_int_equal(b->engine.breakpoints, 0);
    assert_int_equal(b->engine.watchpoints, 0);
    loop_destroy(b->loop);
    mem_destroy(b->mem);
    for (unsigned i = 0; i < CPUS; i++)
        free(b->engine.cpu[i]);
    free(b);
    return 0;
}

static char get(struct bench *b)
{
    char c;

    assert_int_equal(recv(b->fd, &c, 1, 0), 1);
    return c;
}

static void put(struct bench *b, const char *text, size_t len)
{
    assert_int_equal(send(b->fd, text, len, MSG_NOSIGNAL), len);
}

static void say(struct bench *b, const char *payload)
{
    char frame[2048];
    uint8_t sum = 0;

    for (const char *p = payload; *p; p++)
        sum += (uint8_t)*p;
    put(b, frame, (size_t)snprintf(frame, sizeof(frame), "$%s#%02x", payload, sum));
    if (!b->no_ack)
        assert_int_equal(get(b), '+');
}

/* The next packet's payload, check sum verified. */
static const char *hear(struct bench *b, char *buf)
{
    uint8_t sum = 0;
    size_t len = 0;
    char digits[3] = "";

    assert_int_equal(get(b), '$');
    for (char c; (c = get(b)) != '#'; buf[len++] = c)
        sum += (uint8_t)c;
    digits[0] = get(b);
    digits[1] = get(b);
    assert_int_equal(strtoul(digits, NULL, 16), sum);
    if (!b->no_ack)
        put(b, "+", 1);
    buf[len] = 0;
    return buf;
}

static void expect(struct bench *b, const char *command, const char *answer)
{
    char buf[40000];

    say(b, command);
    assert_string_equal(hear(b, buf), answer);
}

static void debugger_learns_features_and_threads(void **state)
{
    struct bench *b = *state;
    char buf[40000];

    say(b, "qSupported:multiprocess+");
    assert_non_null(strstr(hear(b, buf), "qXfer:features:read+"));
    expect(b, "qfThreadInfo", "m1,2");
    expect(b, "qsThreadInfo", "l");
    expect(b, "T2", "OK");
    expect(b, "T3", "E03");
    expect(b, "qThreadExtraInfo,2", "43505520312c20454c312c206f6666"); /* CPU 1, EL1, off */
    expect(b, "vCont?", "vCont;c;C;s;S");
    expect(b, "qSomethingElse", "");
    expect(b, "!", "");
    expect(b, "?", "T05thread:1;");
}

static void target_description_comes_in_pieces(void **state)
{
    struct bench *b = *state;
    char buf[40000], all[40000];
    size_t len = 0;

    do {
        char command[64];
        snprintf(command, sizeof(command), "qXfer:features:read:target.xml:%zx,200", len);
        say(b, command);
        hear(b, buf);
        strcpy(all + len, buf + 1);
        len += strlen(buf + 1);
    } while (buf[0] == 'm');
    assert_int_equal(buf[0], 'l');
    assert_non_null(strstr(all, "<reg name=\"x30\""));
    assert_non_null(strstr(all, "<reg name=\"v31\""));
    assert_string_equal(all + len - 9, "</target>");
    expect(b, "qXfer:features:read:target.xml:ffffff,10", "E16");
}

static void registers_are_read_and_written(void **state)
{
    struct bench *b = *state;
    struct arm_cpu *cpu = b->engine.cpu[0];
    char buf[40000];

    cpu->x[3] = 0x1122334455667788;
    expect(b, "p3", "8877665544332211");
    expect(b, "P3=0102030405060708", "OK");
    assert_int_equal(cpu->x[3], 0x0807060504030201);
    expect(b, "p20", "0000004000000000");
    expect(b, "p21", "c5030000");
    expect(b, "P21=05000060", "OK");
    assert_int_equal(arm_pstate(cpu), 0x60000005);
    expect(b, "P21=10000000", "E16"); /* AArch32 */
    expect(b, "P22=000102030405060708090a0b0c0d0e0f", "OK");
    assert_int_equal(cpu->v[0].b[9], 9);
    expect(b, "p44", "E16");
    expect(b, "P44=00", "E16");
    expect(b, "P3=01", "E16");
    say(b, "g");
    hear(b, buf);
    assert_int_equal(strlen(buf), 2 * (33 * 8 + 4 + 32 * 16 + 8));
    assert_memory_equal(buf + 3 * 16, "0102030405060708", 16);
}

static void whole_register_file_goes_back_unchanged(void **state)
{
    struct bench *b = *state;
    char buf[40001] = "G";
    struct arm_cpu before;

    for (unsigned i = 0; i < 32; i++)
        b->engine.cpu[0]->x[i] = 0x0101010101010101ull * i;
    before = *b->engine.cpu[0];
    say(b, "g");
    hear(b, buf + 1);
    expect(b, buf, "OK");
    assert_memory_equal(before.x, b->engine.cpu[0]->x, sizeof(before.x));
    assert_int_equal(before.pc, b->engine.cpu[0]->pc);
}

static void threads_have_their_own_registers(void **state)
{
    struct bench *b = *state;

    expect(b, "Hg2", "OK");
    expect(b, "p20", "0010004000000000");
    expect(b, "Hg0", "OK");
    expect(b, "qC", "QC2");
    expect(b, "Hg9", "E16");
}

static void memory_is_read_and_written(void **state)
{
    struct bench *b = *state;

    expect(b, "M40000ffe,4:01020304", "OK");
    assert_int_equal(ld_le(mem_ptr(b->mem, RAM + 0xffe, 4, false), 4), 0x04030201);
    assert_int_equal(b->written, RAM + 0x1000);
    expect(b, "m40000ffd,6", "000102030400");
    expect(b, "X40002000,2:}\x03\x7e", "OK");
    expect(b, "m40002000,2", "237e");
    expect(b, "X40002000,0:", "OK");
    expect(b, "m1000,4", "E0e");
    expect(b, "M1000,1:00", "E0e");
    expect(b, "m400ffffe,8", "0000");
    expect(b, "M40000000,4:0102", "E16");
    expect(b, "m40000000", "E16");
}

static void breakpoints_reach_the_engine_once(void **state)
{
    struct bench *b = *state;

    expect(b, "Z0,40001000,4", "OK");
    expect(b, "Z0,40001000,4", "OK");
    expect(b, "Z1,40001000,4", "OK");
    assert_int_equal(b->engine.breakpoint, 0x40001000);
    assert_int_equal(b->engine.breakpoints, 1);
    expect(b, "z0,40001000,4", "OK");
    assert_int_equal(b->engine.breakpoints, 1);
    expect(b, "z1,40001000,4", "OK");
    expect(b, "z1,40001000,4", "OK");
    assert_int_equal(b->engine.breakpoints, 0);
    expect(b, "Z5,1,1", "");
    expect(b, "Z0,1", "E16");
}

static void watchpoints_name_their_access(void **state)
{
    struct bench *b = *state;
    struct engine_debug_event event = {1, ENGINE_WATCHPOINT, 0x40002004};
    char buf[256];

    expect(b, "Z2,40002000,8", "OK");
    assert_int_equal(b->engine.watch_access, 2);
    expect(b, "Z4,40003000,4", "OK");
    assert_int_equal(b->engine.watch_access, 3);
    expect(b, "Z3,40003000,0", "E16");
    say(b, "vCont;c");
    while (!b->engine.resumes)
        usleep(1000);
    b->engine.event(b->engine.ctx, &event);
    assert_string_equal(hear(b, buf), "T05thread:2;watch:40002000;");
    expect(b, "z2,40002000,8", "OK");
    assert_int_equal(b->engine.watchpoints, 1);
}

static void step_runs_the_named_thread(void **state)
{
    struct bench *b = *state;

    expect(b, "vCont;s:2;c", "T05thread:2;");
    assert_int_equal(b->engine.cpu[1]->pc, RAM + 0x1004);
    assert_int_equal(b->engine.pauses, 1);
    expect(b, "Hc1", "OK");
    expect(b, "s", "T05thread:1;");
    assert_int_equal(b->engine.cpu[0]->pc, RAM + 4);
    expect(b, "vCont;t", "E16");
    expect(b, "vCont;s:7", "E16");
}

static void interrupt_stops_a_running_machine(void **state)
{
    struct bench *b = *state;
    char buf[256];

    say(b, "c");
    put(b, "\x03", 1);
    assert_string_equal(hear(b, buf), "T02thread:1;");
    assert_int_equal(b->engine.pauses, 1);
}

static void no_ack_mode_saves_the_plusses(void **state)
{
    struct bench *b = *state;

    expect(b, "QStartNoAckMode", "OK");
    b->no_ack = true;
    expect(b, "qC", "QC1");
    expect(b, "qC", "QC1");
}

static void bad_check_sum_is_refused_and_nak_repeats(void **state)
{
    struct bench *b = *state;
    char buf[256];

    put(b, "$qC#00", 6);
    assert_int_equal(get(b), '-');
    put(b, "$qC#b4", 6);
    assert_int_equal(get(b), '+');
    assert_string_equal(hear(b, buf), "QC1");
    put(b, "-", 1);
    assert_string_equal(hear(b, buf), "QC1");
}

static void oversized_packet_is_refused(void **state)
{
    struct bench *b = *state;
    static char big[0x5000];

    memset(big, 'm', sizeof(big));
    big[0] = '$';
    memcpy(big + sizeof(big) - 3, "#00", 3);
    put(b, big, sizeof(big));
    assert_int_equal(get(b), '-');
    expect(b, "qC", "QC1");
}

static void detach_leaves_nothing_behind(void **state)
{
    struct bench *b = *state;
    char c;

    expect(b, "Z0,40001000,4", "OK");
    expect(b, "D", "OK");
    assert_true(recv(b->fd, &c, 1, 0) <= 0);
    assert_int_equal(b->engine.breakpoints, 0);
    assert_int_equal(b->engine.pauses, 0);
    close(b->fd);
    b->fd = dial(b);
    expect(b, "?", "T05thread:1;");
}

static void kill_ends_the_machine(void **state)
{
    struct bench *b = *state;
    char c;

    say(b, "k");
    assert_true(recv(b->fd, &c, 1, 0) <= 0);
    for (unsigned i = 0; i < 1000 && !b->killed; i++)
        usleep(1000);
    assert_true(b->killed);
}

static void second_debugger_is_turned_away(void **state)
{
    struct bench *b = *state;
    int fd;
    char c;

    expect(b, "qC", "QC1");
    fd = dial(b);
    assert_int_equal(recv(fd, &c, 1, 0), 0);
    close(fd);
    expect(b, "qC", "QC1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(debugger_learns_features_and_threads),
        TEST(target_description_comes_in_pieces),
        TEST(registers_are_read_and_written),
        TEST(whole_register_file_goes_back_unchanged),
        TEST(threads_have_their_own_registers),
        TEST(memory_is_read_and_written),
        TEST(breakpoints_reach_the_engine_once),
        TEST(watchpoints_name_their_access),
        TEST(step_runs_the_named_thread),
        TEST(interrupt_stops_a_running_machine),
        TEST(no_ack_mode_saves_the_plusses),
        TEST(bad_check_sum_is_refused_and_nak_repeats),
        TEST(oversized_packet_is_refused),
        TEST(detach_leaves_nothing_behind),
        TEST(kill_ends_the_machine),
        TEST(second_debugger_is_turned_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
