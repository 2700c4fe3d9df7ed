/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. argv[0] is the last word of the subcommand's name; the result is the exit status
 * (vm/vm.h). */
#ifndef ARMVM_CMD_COMMANDS_H
#define ARMVM_CMD_COMMANDS_H

struct option_set;

int command_run(int argc, char **argv);
int command_acpi(int argc, char **argv);
int command_dt(int argc, char **argv);
int command_cpus(int argc, char **argv);
int command_check(int argc, char **argv);
int command_check_guest(int argc, char **argv);
int command_check_vm(int argc, char **argv);
int command_version(int argc, char **argv);
int command_image_create(int argc, char **argv);
int command_image_fix(int argc, char **argv);
int command_image_info(int argc, char **argv);

extern const struct option_set run_options, dt_options, acpi_options, cpus_options, version_options,
    check_guest_options, check_options, check_vm_options, image_create_options, image_fix_options,
    image_info_options;

#endif
