/* SPDX-License-Identifier: Apache-2.0 */
/* The options that describe a machine, for the tables of the commands that build one, and their
 * setters. ctx is a struct vm_config, or a struct that begins with one. */
#ifndef ARMVM_CMD_MACHINE_OPTIONS_H
#define ARMVM_CMD_MACHINE_OPTIONS_H

#include "cmd/options.h"

struct error;

/* To include (struct option's sub): --kernel --initrd --append; --cpus --memory --cpu --board
 * --gic; --console. */
extern const struct option boot_options[], machine_options[], console_options[];

int set_kernel(void *ctx, const char *value, struct error *err);
int set_initrd(void *ctx, const char *value, struct error *err);
int set_append(void *ctx, const char *value, struct error *err);
int set_firmware(void *ctx, const char *value, struct error *err);
int set_vars(void *ctx, const char *value, struct error *err);
int set_user(void *ctx, const char *value, struct error *err);
int set_ssh_key(void *ctx, const char *value, struct error *err);
int set_cpus(void *ctx, const char *value, struct error *err);
int set_memory(void *ctx, const char *value, struct error *err);
int set_cpu(void *ctx, const char *value, struct error *err);
int set_board(void *ctx, const char *value, struct error *err);
int set_gic(void *ctx, const char *value, struct error *err);
int set_console(void *ctx, const char *value, struct error *err);
int set_serial(void *ctx, const char *value, struct error *err);
int set_disk(void *ctx, const char *value, struct error *err);
int set_net(void *ctx, const char *value, struct error *err);
int set_virtio_bus(void *ctx, const char *value, struct error *err);
int set_rng(void *ctx, const char *value, struct error *err);
int set_legacy_virtio(void *ctx, const char *value, struct error *err);

#endif
