/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The GDB stub's commands. Everything runs on the loop's thread; vCPU threads only leave events in
 * a queue and post. While `stopped`, the stub holds one pause of the engine, so that registers,
 * memory and breakpoints may be touched; without a debugger it holds none and has no breakpoints.
 */
#include "vm/gdb.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "arm/cpu.h"
#include "arm/mmu.h"
#include "base/bits.h"
#include "base/error.h"
#include "engine/engine.h"
#include "host/loop.h"
#include "machine/mem/mem.h"
#include "vm/gdb_hex.h"
#include "vm/gdb_regs.h"
#include "vm/gdb_wire.h"

enum { POINTS = 96, EVENTS = 64, NOBODY = -1, SIGNAL_INT = 2, SIGNAL_TRAP = 5 };

/* The Z packets' types. */
enum { POINT_SOFTWARE, POINT_HARDWARE, POINT_WRITE, POINT_READ, POINT_ACCESS };

struct point {
    unsigned type;
    uint64_t va, len;
};

struct gdb {
    struct gdb_config config;
    int listener;
    uint16_t port;
    struct loop_fd *watch;
    struct gdb_wire *wire; /* NULL: no debugger */
    bool stopped;
    unsigned cpu;     /* that registers and memory are asked of */
    unsigned run_cpu; /* that c and s are meant for */
    int stepping;     /* the CPU that is to run one instruction, or NOBODY */
    struct point point[POINTS];
    unsigned points;

    pthread_mutex_t lock; /* of the queue below */
    struct engine_debug_event queue[EVENTS];
    unsigned queued;
};

/* --- replies ---------------------------------------------------------------------------------- */

static void reply(struct gdb *gdb, const char *text)
{
    gdb_wire_send(gdb->wire, text, strlen(text));
}

static void __attribute__((format(printf, 2, 3))) replyf(struct gdb *gdb, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    reply(gdb, text);
}

static void reply_status(struct gdb *gdb, int rc)
{
    if (rc)
        replyf(gdb, "E%02x", -rc & 0xff);
    else
        reply(gdb, "OK");
}

/* --- running and stopping --------------------------------------------------------------------- */

static struct arm_cpu *current(struct gdb *gdb)
{
    return engine_cpu(gdb->config.engine, gdb->cpu);
}

static void stop(struct gdb *gdb)
{
    if (gdb->stopped)
        return;
    engine_pause(gdb->config.engine);
    gdb->stopped = true;
    /* Others may have stopped too: their instruction has not run, so they will meet it again. */
    pthread_mutex_lock(&gdb->lock);
    gdb->queued = 0;
    pthread_mutex_unlock(&gdb->lock);
}

static void go(struct gdb *gdb)
{
    if (!gdb->stopped)
        return;
    gdb->stopped = false;
    engine_resume(gdb->config.engine);
}

static void report(struct gdb *gdb, unsigned signal, const char *more)
{
    replyf(gdb, "T%02xthread:%x;%s", signal, gdb->cpu + 1, more);
}

/* The watchpoint that an access at va met; its type is what GDB wants to hear. */
static const struct point *watchpoint_at(const struct gdb *gdb, uint64_t va)
{
    const struct point *nearest = NULL;

    for (unsigned i = 0; i < gdb->points; i++) {
        const struct point *p = &gdb->point[i];
        if (p->type < POINT_WRITE)
            continue;
        /* The access may have begun below the watched bytes. */
        if (va < p->va + p->len && p->va < va + 64 && (!nearest || p->va <= va))
            nearest = p;
    }
    return nearest;
}

static void report_event(struct gdb *gdb, const struct engine_debug_event *event)
{
    static const char *const names[] = {
        [POINT_WRITE] = "watch", [POINT_READ] = "rwatch", [POINT_ACCESS] = "awatch"};
    const struct point *p = NULL;
    char more[64] = "";

    gdb->cpu = gdb->run_cpu = event->cpu;
    if (event->why == ENGINE_WATCHPOINT)
        p = watchpoint_at(gdb, event->va);
    if (p)
        snprintf(more, sizeof(more), "%s:%llx;", names[p->type], (unsigned long long)p->va);
    report(gdb, SIGNAL_TRAP, more);
}

/* The loop's thread: a vCPU has stopped. */
static void deliver(void *ctx)
{
    struct gdb *gdb = ctx;
    struct engine_debug_event event;
    unsigned queued;

    pthread_mutex_lock(&gdb->lock);
    queued = gdb->queued;
    event = gdb->queue[0];
    gdb->queued = 0;
    pthread_mutex_unlock(&gdb->lock);
    if (!queued || gdb->stopped)
        return;
    stop(gdb);
    /* Nobody asked for it any more: a step that was interrupted, or the debugger is gone. */
    if (!gdb->wire || (event.why == ENGINE_STEPPED && gdb->stepping != (int)event.cpu)) {
        go(gdb);
        return;
    }
    gdb->stepping = NOBODY;
    report_event(gdb, &event);
}

/* A vCPU's thread. */
static void on_event(void *ctx, const struct engine_debug_event *event)
{
    struct gdb *gdb = ctx;

    pthread_mutex_lock(&gdb->lock);
    if (gdb->queued < EVENTS)
        gdb->queue[gdb->queued++] = *event;
    pthread_mutex_unlock(&gdb->lock);
    loop_post(gdb->config.loop, deliver, gdb);
}

static void on_interrupt(void *ctx)
{
    struct gdb *gdb = ctx;

    if (gdb->stopped)
        return;
    stop(gdb);
    gdb->stepping = NOBODY;
    report(gdb, SIGNAL_INT, "");
}

static void resume(struct gdb *gdb)
{
    gdb->stepping = NOBODY;
    go(gdb);
}

static void step(struct gdb *gdb, unsigned cpu)
{
    gdb->stepping = (int)cpu;
    engine_step(gdb->config.engine, cpu);
    go(gdb);
}

/* --- breakpoints and watchpoints -------------------------------------------------------------- */

static int set_in_engine(struct gdb *gdb, const struct point *p, bool set)
{
    struct engine *engine = gdb->config.engine;
    static const uint8_t access[] = {[POINT_WRITE] = 2, [POINT_READ] = 1, [POINT_ACCESS] = 3};

    if (p->type < POINT_WRITE)
        return engine_set_breakpoint(engine, p->va, set);
    return engine_set_watchpoint(engine, p->va, p->len, access[p->type], set);
}

/* Software and hardware breakpoints are one thing here; the engine has it once. */
static bool shared(const struct gdb *gdb, const struct point *p)
{
    for (unsigned i = 0; i < gdb->points; i++)
        if (p->type < POINT_WRITE && gdb->point[i].type < POINT_WRITE &&
            gdb->point[i].type != p->type && gdb->point[i].va == p->va)
            return true;
    return false;
}

static int set_point(struct gdb *gdb, const struct point *p, bool set)
{
    unsigned i = 0;
    int rc = 0;

    while (i < gdb->points && (gdb->point[i].type != p->type || gdb->point[i].va != p->va ||
                               gdb->point[i].len != p->len))
        i++;
    if (set == (i < gdb->points))
        return 0;
    if (set && i == POINTS)
        return -ENOSPC;
    if (!shared(gdb, p))
        rc = set_in_engine(gdb, p, set);
    if (rc)
        return rc;
    if (set)
        gdb->point[gdb->points++] = *p;
    else
        gdb->point[i] = gdb->point[--gdb->points];
    return 0;
}

static void clear_points(struct gdb *gdb)
{
    while (gdb->points) {
        struct point p = gdb->point[gdb->points - 1];
        if (set_point(gdb, &p, false))
            gdb->points--;
    }
}

/* Ztype,addr,kind and z. */
static void command_point(struct gdb *gdb, const char *args, bool set)
{
    uint64_t type, va, len;

    if (!gdb_number(&args, ",", &type) || !gdb_number(&args, ",", &va) ||
        !gdb_number(&args, ";", &len)) {
        reply_status(gdb, -EINVAL);
        return;
    }
    if (type > POINT_ACCESS) {
        reply(gdb, "");
        return;
    }
    if (type >= POINT_WRITE && (!len || len > 1 << 20 || va + len < va)) {
        reply_status(gdb, -EINVAL);
        return;
    }
    reply_status(gdb, set_point(gdb, &(struct point){(unsigned)type, va, len}, set));
}

/* --- memory ----------------------------------------------------------------------------------- */

/* RAM behind [va, va+len) as far as its page goes, or NULL. As EL1 sees it, whatever the current
 * EL, PAN and write permissions are; devices stay untouched. */
static void *host_memory(struct gdb *gdb, uint64_t va, uint64_t *len, bool write, uint64_t *pa)
{
    struct arm_cpu *cpu = current(gdb);
    struct arm_translation t;
    struct arm_fault fault;
    uint64_t left = 4096 - (va & 4095);

    if (*len > left)
        *len = left;
    if (arm_translate_probe(cpu, va, 1, false, ARM_READ, &t, &fault))
        return NULL;
    *pa = t.pa;
    return mem_ptr(cpu->mem, t.pa, *len, write);
}

static void command_read(struct gdb *gdb, const char *args)
{
    char out[GDB_PACKET], *to = out;
    uint64_t va, len;

    if (!gdb_number(&args, ",", &va) || !gdb_number(&args, "", &len)) {
        reply_status(gdb, -EINVAL);
        return;
    }
    if (len > sizeof(out) / 2)
        len = sizeof(out) / 2;
    while (len) {
        uint64_t part = len, pa;
        void *host = host_memory(gdb, va, &part, false, &pa);
        if (!host)
            break;
        to = gdb_to_hex(to, host, part);
        va += part;
        len -= part;
    }
    if (to == out && len)
        reply_status(gdb, -EFAULT);
    else
        gdb_wire_send(gdb->wire, out, (size_t)(to - out));
}

static int write_memory(struct gdb *gdb, uint64_t va, const uint8_t *from, uint64_t len)
{
    while (len) {
        uint64_t part = len, pa;
        void *host = host_memory(gdb, va, &part, true, &pa);
        if (!host)
            return -EFAULT;
        memcpy(host, from, part);
        mem_written(current(gdb)->mem, pa, part);
        va += part;
        from += part;
        len -= part;
    }
    return 0;
}

/* Maddr,len:hex and Xaddr,len:bytes. */
static void command_write(struct gdb *gdb, char *data, size_t size, bool binary)
{
    const char *args = data + 1;
    uint64_t va, len;
    size_t have;

    if (!gdb_number(&args, ",", &va) || !gdb_number(&args, ":", &len)) {
        reply_status(gdb, -EINVAL);
        return;
    }
    have = size - (size_t)(args - data);
    if (!binary)
        have = gdb_from_hex((uint8_t *)data, args, have / 2);
    if (have < len)
        reply_status(gdb, -EINVAL);
    else
        reply_status(gdb, write_memory(gdb, va, (const uint8_t *)(binary ? args : data), len));
}

/* --- registers -------------------------------------------------------------------------------- */

static void command_registers(struct gdb *gdb)
{
    char out[2 * GDB_REG_MAX * GDB_REGS], *to = out;
    uint8_t reg[GDB_REG_MAX];

    for (unsigned n = 0; n < GDB_REGS; n++)
        to = gdb_to_hex(to, reg, gdb_reg_read(current(gdb), n, reg));
    gdb_wire_send(gdb->wire, out, (size_t)(to - out));
}

static void command_set_registers(struct gdb *gdb, const char *hex)
{
    uint8_t reg[GDB_REG_MAX];

    for (unsigned n = 0; n < GDB_REGS && *hex; n++) {
        size_t size = gdb_reg_size(n);
        if (gdb_from_hex(reg, hex, size) != size || gdb_reg_write(current(gdb), n, reg)) {
            reply_status(gdb, -EINVAL);
            return;
        }
        hex += 2 * size;
    }
    reply(gdb, "OK");
}

static void command_register(struct gdb *gdb, const char *args)
{
    uint8_t reg[GDB_REG_MAX];
    char out[2 * GDB_REG_MAX];
    uint64_t n;
    size_t size;

    size = gdb_number(&args, "", &n) && n < GDB_REGS ? gdb_reg_read(current(gdb), (unsigned)n, reg)
                                                     : 0;
    if (size)
        gdb_wire_send(gdb->wire, out, (size_t)(gdb_to_hex(out, reg, size) - out));
    else
        reply_status(gdb, -EINVAL);
}

static void command_set_register(struct gdb *gdb, const char *args)
{
    uint8_t reg[GDB_REG_MAX];
    uint64_t n;
    size_t size;

    size = gdb_number(&args, "=", &n) && n < GDB_REGS ? gdb_reg_size((unsigned)n) : 0;
    if (!size || gdb_from_hex(reg, args, size) != size)
        reply_status(gdb, -EINVAL);
    else
        reply_status(gdb, gdb_reg_write(current(gdb), (unsigned)n, reg));
}

/* --- threads ---------------------------------------------------------------------------------- */

/* A thread's CPU; 0 and -1 (any, all) leave `cpu` as it is. */
static bool thread(struct gdb *gdb, const char *id, unsigned *cpu)
{
    uint64_t n;

    if (!strncmp(id, "-1", 2))
        return true;
    if (!gdb_number(&id, ";", &n) || n > engine_cpus(gdb->config.engine))
        return false;
    if (n)
        *cpu = (unsigned)n - 1;
    return true;
}

static void command_select(struct gdb *gdb, const char *args)
{
    unsigned *cpu = *args == 'g' ? &gdb->cpu : &gdb->run_cpu;

    reply_status(gdb, *args && thread(gdb, args + 1, cpu) ? 0 : -EINVAL);
}

static void command_threads(struct gdb *gdb)
{
    char out[1024];
    size_t used = 0;

    for (unsigned i = 0; i < engine_cpus(gdb->config.engine) && used < sizeof(out) - 8; i++)
        used += (size_t)snprintf(out + used, sizeof(out) - used, "%c%x", i ? ',' : 'm', i + 1);
    reply(gdb, out);
}

static void command_thread_info(struct gdb *gdb, const char *id)
{
    char text[64], out[2 * sizeof(text)];
    unsigned index = 0;
    const struct arm_cpu *cpu;
    int len;

    if (!thread(gdb, id, &index)) {
        reply_status(gdb, -EINVAL);
        return;
    }
    cpu = engine_cpu(gdb->config.engine, index);
    len = snprintf(text, sizeof(text), "CPU %u, EL%u%s", index, cpu->el,
                   atomic_load(&cpu->power) == ARM_POWER_OFF ? ", off" : "");
    gdb_wire_send(gdb->wire, out, (size_t)(gdb_to_hex(out, (uint8_t *)text, (size_t)len) - out));
}

/* vCont;action[:thread];...: one step, of the first thread that is told to, or all run on. */
static void command_vcont(struct gdb *gdb, const char *args)
{
    bool run = false;

    while (*args == ';') {
        char action = args[1];
        unsigned cpu = gdb->run_cpu;
        const char *next = args + 1 + strcspn(args + 1, ";");
        const char *colon = memchr(args, ':', (size_t)(next - args));
        if (colon && !thread(gdb, colon + 1, &cpu)) {
            reply_status(gdb, -EINVAL);
            return;
        }
        if (action == 's' || action == 'S') {
            step(gdb, cpu);
            return;
        }
        run |= action == 'c' || action == 'C';
        args = next;
    }
    if (run)
        resume(gdb);
    else
        reply_status(gdb, -EINVAL);
}

/* --- queries ---------------------------------------------------------------------------------- */

static void command_features(struct gdb *gdb, const char *args)
{
    char xml[GDB_PACKET], out[GDB_PACKET];
    size_t size = gdb_target_xml(xml, sizeof(xml));
    uint64_t offset, len;

    if (!gdb_number(&args, ",", &offset) || !gdb_number(&args, "", &len) || offset > size) {
        reply_status(gdb, -EINVAL);
        return;
    }
    if (len > sizeof(out) / 2)
        len = sizeof(out) / 2;
    out[0] = len < size - offset ? 'm' : 'l';
    if (len > size - offset)
        len = size - offset;
    memcpy(out + 1, xml + offset, len);
    gdb_wire_send(gdb->wire, out, len + 1);
}

static const char *after(const char *text, const char *prefix)
{
    size_t len = strlen(prefix);

    return strncmp(text, prefix, len) ? NULL : text + len;
}

static void command_query(struct gdb *gdb, const char *text)
{
    const char *args;

    if (after(text, "qSupported"))
        replyf(gdb, "PacketSize=%x;qXfer:features:read+;vContSupported+;QStartNoAckMode+",
               GDB_PACKET);
    else if ((args = after(text, "qXfer:features:read:target.xml:")))
        command_features(gdb, args);
    else if (after(text, "qfThreadInfo"))
        command_threads(gdb);
    else if (after(text, "qsThreadInfo"))
        reply(gdb, "l");
    else if ((args = after(text, "qThreadExtraInfo,")))
        command_thread_info(gdb, args);
    else if (after(text, "qAttached"))
        reply(gdb, "1");
    else if (!strcmp(text, "qC"))
        replyf(gdb, "QC%x", gdb->cpu + 1);
    else
        reply(gdb, "");
}

/* --- coming and going ------------------------------------------------------------------------- */

/* Leaves the machine as if the debugger had never been there. */
static void detach(struct gdb *gdb)
{
    struct gdb_wire *wire = gdb->wire;

    gdb->wire = NULL;
    stop(gdb);
    clear_points(gdb);
    resume(gdb);
    gdb_wire_destroy(wire);
}

static void on_closed(void *ctx)
{
    detach(ctx);
}

static void command_kill(struct gdb *gdb)
{
    detach(gdb);
    if (gdb->config.kill)
        gdb->config.kill(gdb->config.ctx);
}

static void command_v(struct gdb *gdb, const char *text)
{
    if (!strcmp(text, "vCont?")) {
        reply(gdb, "vCont;c;C;s;S");
    } else if (after(text, "vCont;")) {
        command_vcont(gdb, text + 5);
    } else if (after(text, "vKill")) {
        reply(gdb, "OK");
        command_kill(gdb);
    } else {
        reply(gdb, "");
    }
}

/* c[addr], s[addr], and C, S with a signal in front, which a machine has no use for. */
static void command_run(struct gdb *gdb, const char *text)
{
    bool signal = *text == 'C' || *text == 'S';
    const char *args = signal ? strchr(text, ';') : text + 1;
    uint64_t pc;

    args = args ? args + signal : "";
    if (*args && gdb_number(&args, "", &pc))
        engine_cpu(gdb->config.engine, gdb->run_cpu)->pc = pc;
    if ((*text | 0x20) == 's')
        step(gdb, gdb->run_cpu);
    else
        resume(gdb);
}

static void command_alive(struct gdb *gdb, const char *id)
{
    unsigned cpu;

    reply_status(gdb, thread(gdb, id, &cpu) ? 0 : -ESRCH);
}

static void command(struct gdb *gdb, char *text, size_t len)
{
    switch (*text) {
    case '?':
        report(gdb, SIGNAL_TRAP, "");
        break;
    case 'g':
        command_registers(gdb);
        break;
    case 'G':
        command_set_registers(gdb, text + 1);
        break;
    case 'p':
        command_register(gdb, text + 1);
        break;
    case 'P':
        command_set_register(gdb, text + 1);
        break;
    case 'm':
        command_read(gdb, text + 1);
        break;
    case 'M':
    case 'X':
        command_write(gdb, text, len, *text == 'X');
        break;
    case 'Z':
    case 'z':
        command_point(gdb, text + 1, *text == 'Z');
        break;
    case 'c':
    case 'C':
    case 's':
    case 'S':
        command_run(gdb, text);
        break;
    case 'H':
        command_select(gdb, text + 1);
        break;
    case 'T':
        command_alive(gdb, text + 1);
        break;
    case 'q':
        command_query(gdb, text);
        break;
    case 'v':
        command_v(gdb, text);
        break;
    case 'Q':
        if (!strcmp(text, "QStartNoAckMode")) {
            reply(gdb, "OK");
            gdb_wire_no_ack(gdb->wire);
            break;
        }
        reply(gdb, "");
        break;
    case 'D':
        reply(gdb, "OK");
        detach(gdb);
        break;
    case 'k':
        command_kill(gdb);
        break;
    default:
        reply(gdb, "");
    }
}

static void on_packet(void *ctx, char *data, size_t len)
{
    struct gdb *gdb = ctx;

    /* A debugger that talks to a running machine has lost track: stop, so that it is right. */
    stop(gdb);
    command(gdb, data, len);
}

static void on_connection(void *ctx, int fd, unsigned events)
{
    struct gdb *gdb = ctx;
    struct gdb_wire_events wire = {on_packet, on_interrupt, on_closed, gdb};
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), one = 1;

    if (client < 0)
        return;
    /* One debugger at a time. */
    if (gdb->wire) {
        close(client);
        return;
    }
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    gdb->wire = gdb_wire_create(gdb->config.loop, client, &wire);
    if (gdb->wire)
        stop(gdb);
    else
        close(client);
}

static int listen_on(struct gdb *gdb, struct error *err)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons(gdb->config.port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(addr);
    int one = 1;

    gdb->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (gdb->listener < 0 ||
        setsockopt(gdb->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(gdb->listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(gdb->listener, 1) ||
        getsockname(gdb->listener, (struct sockaddr *)&addr, &len))
        return error_set(err, -errno, "--gdb: cannot listen on 127.0.0.1:%u: %s", gdb->config.port,
                         strerror(errno));
    gdb->port = ntohs(addr.sin_port);
    return 0;
}

int gdb_create(const struct gdb_config *config, struct gdb **out, struct error *err)
{
    struct gdb *gdb = calloc(1, sizeof(*gdb));
    int rc;

    if (!gdb)
        return error_set(err, -ENOMEM, "out of memory");
    gdb->config = *config;
    gdb->stepping = NOBODY;
    pthread_mutex_init(&gdb->lock, NULL);
    rc = listen_on(gdb, err);
    if (!rc) {
        rc = loop_fd_add(config->loop, gdb->listener, LOOP_READ, on_connection, gdb, &gdb->watch);
        if (rc)
            error_set(err, rc, "--gdb: %s", strerror(-rc));
    }
    if (rc) {
        if (gdb->listener >= 0)
            close(gdb->listener);
        pthread_mutex_destroy(&gdb->lock);
        free(gdb);
        return rc;
    }
    engine_set_debugger(config->engine, on_event, gdb);
    if (config->wait)
        stop(gdb);
    *out = gdb;
    return 0;
}

void gdb_destroy(struct gdb *gdb)
{
    if (!gdb)
        return;
    detach(gdb);
    engine_set_debugger(gdb->config.engine, NULL, NULL);
    loop_fd_remove(gdb->watch);
    close(gdb->listener);
    pthread_mutex_destroy(&gdb->lock);
    free(gdb);
}

uint16_t gdb_port(const struct gdb *gdb)
{
    return gdb->port;
}
