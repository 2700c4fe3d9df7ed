/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "vm/vm.h"

struct command {
    const char *name;                  /* one word, or two: "image info" */
    const char *summary;               /* for `armvm help` */
    int (*run)(int argc, char **argv); /* NULL: a later build has it */
    const struct option_set *options;
};

static const struct command commands[] = {
    {"run", "boots a guest", command_run, &run_options},
    {"dt", "prints the device tree that a guest would get", command_dt, &dt_options},
    {"acpi", "writes the ACPI tables that a guest would get", command_acpi, &acpi_options},
    {"cpus", "lists the CPU models and features", command_cpus, &cpus_options},
    {"version", "says what this build and this host are", command_version, &version_options},
    {"image create", "builds a disk image with Debian", command_image_create,
     &image_create_options},
    {"image info", "says what a disk image is", command_image_info, &image_info_options},
    {"image fix", "mends what can be mended in a disk image", command_image_fix,
     &image_fix_options},
    {"check vm", "checks virtual machines against it, from inside", command_check_vm,
     &check_vm_options},
    {"check guest", "boots a disk image on every variation of the machine", command_check_guest,
     &check_guest_options},
    {"check", "checks a disk image against the VM specification", command_check, &check_options},
    {"ctl", "controls a running machine", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

/* Looks the first words of an argument list up; *words says how many of them are the name. */
static const struct command *find(int argc, char **argv, int *words)
{
    for (const struct command *command = commands; command->name; command++) {
        size_t first = strcspn(command->name, " ");
        if (strlen(argv[0]) != first || strncmp(command->name, argv[0], first))
            continue;
        *words = command->name[first] ? 2 : 1;
        if (*words == 1 || (argc > 1 && !strcmp(command->name + first + 1, argv[1])))
            return command;
    }
    return NULL;
}

static const char *nearest(const char *name)
{
    const char *best = NULL;
    unsigned limit = 2;

    for (const struct command *command = commands; command->name; command++) {
        unsigned distance = options_distance(name, command->name);
        if (command->run && distance <= limit && distance < strlen(name)) {
            limit = distance;
            best = command->name;
        }
    }
    return best;
}

static void print_help(FILE *out)
{
    fputs("Usage: armvm COMMAND [options]\n\n"
          "A virtual machine monitor for Arm guests.\n\nCommands:\n",
          out);
    for (const struct command *command = commands; command->name; command++)
        if (command->run)
            fprintf(out, "  %-14s%s\n", command->name, command->summary);
    fputs("  help          prints this, or a command's options: armvm help run\n\n"
          "The first boot:\n"
          "  armvm run --kernel Image --initrd initrd.img --append 'panic=-1'\n\n"
          "armvm(1) and armvm-run(1) are the manual.\n",
          out);
}

static int absent(const struct command *command)
{
    fprintf(stderr, "armvm: this build does not have 'armvm %s' yet (it %s)\n", command->name,
            command->summary);
    return VM_EXIT_USAGE;
}

/* "image" alone, or with a second word that there is not: which there are. */
static bool group(const char *name, char *members, size_t size)
{
    size_t len = strlen(name);

    members[0] = 0;
    for (const struct command *command = commands; command->name; command++)
        if (!strncmp(command->name, name, len) && command->name[len] == ' ')
            snprintf(members + strlen(members), size - strlen(members), "%s'armvm %s'",
                     members[0] ? ", " : "", command->name);
    return members[0];
}

static int unknown(const char *name)
{
    const char *meant = nearest(name);
    char members[128];

    if (group(name, members, sizeof(members)))
        fprintf(stderr, "armvm: 'armvm %s' needs one more word: there are %s\n", name, members);
    else if (meant)
        fprintf(stderr, "armvm: no command '%s'; did you mean 'armvm %s'?\n", name, meant);
    else if (name[0] == '-')
        fprintf(stderr, "armvm: a command comes first: armvm run %s ...\n", name);
    else
        fprintf(stderr, "armvm: no command '%s'; 'armvm help' lists them\n", name);
    return VM_EXIT_USAGE;
}

/* `armvm help --options` is for the completion and the tests: every option of every command. */
static int help(int argc, char **argv)
{
    const struct command *command;
    int words;

    if (argc < 2) {
        print_help(stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--options")) {
        for (command = commands; command->name; command++) {
            if (!command->run)
                continue;
            printf("%s\n", command->name);
            options_print_table(command->options, stdout);
        }
        return 0;
    }
    command = find(argc - 1, argv + 1, &words);
    if (!command)
        return unknown(argv[1]);
    if (!command->run)
        return absent(command);
    options_print_help(command->options, stdout);
    return 0;
}

/* A full disk behind standard output is an error; a reader that has seen enough is not. */
static int finish(int status)
{
    if (!fflush(stdout) && !ferror(stdout))
        return status;
    if (errno == EPIPE)
        return status;
    fprintf(stderr, "armvm: standard output: %s\n", strerror(errno));
    return status ? status : VM_EXIT_HOST;
}

int main(int argc, char **argv)
{
    const struct command *command;
    int words;

    /* A reader that goes away must not end a guest: writing fails and is ignored. */
    signal(SIGPIPE, SIG_IGN);
    if (argc < 2) {
        print_help(stderr);
        return VM_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
        return finish(help(argc - 1, argv + 1));
    if (!strcmp(argv[1], "--version"))
        return finish(command_version(1, argv + 1));
    command = find(argc - 1, argv + 1, &words);
    if (!command)
        return unknown(argv[1]);
    if (!command->run)
        return absent(command);
    return finish(command->run(argc - words, argv + words));
}
