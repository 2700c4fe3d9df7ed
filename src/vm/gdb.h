/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A debugger's way in (`--gdb PORT`): the GDB remote serial protocol (GDB manual, appendix E) over
 * TCP on the loopback interface. vCPUs are threads, numbered from 1; addresses are virtual, in the
 * address space of the thread they are asked for; all vCPUs stop and run together.
 */
#ifndef ARMVM_VM_GDB_H
#define ARMVM_VM_GDB_H

#include <stdbool.h>
#include <stdint.h>

struct engine;
struct error;
struct gdb;
struct loop;

struct gdb_config {
    struct loop *loop;
    struct engine *engine;
    uint16_t port;           /* 0: the host's choice */
    bool wait;               /* nothing runs until a debugger says so */
    void (*kill)(void *ctx); /* the debugger wants the machine gone; loop's thread */
    void *ctx;
};

/* Listens; from the loop's thread or before it runs. With `wait`, the engine is paused from here.
 */
int gdb_create(const struct gdb_config *config, struct gdb **gdb, struct error *err);
/* Detaches the debugger and lets the machine run. Before the engine is destroyed. */
void gdb_destroy(struct gdb *gdb);

uint16_t gdb_port(const struct gdb *gdb);

#endif
