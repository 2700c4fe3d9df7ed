/* SPDX-License-Identifier: Apache-2.0 */
/* armvm version: what a bug report needs to know. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "host/ram.h"
#include "vm/vm.h"

static const struct option table[] = {{.name = NULL}};

const struct option_set version_options = {
    .command = "version",
    .usage = "",
    .intro = "Says what this build and this host are.",
    .table = table,
};

/* "model name : ..." of the first CPU. */
static void print_cpu_model(void)
{
    FILE *file = fopen("/proc/cpuinfo", "re");
    char line[256];

    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');
        if (!strncmp(line, "model name", 10) && colon) {
            printf("%s", colon + 1 + strspn(colon + 1, " "));
            break;
        }
    }
    if (!file || feof(file))
        printf("unknown\n");
    if (file)
        fclose(file);
}

static const char *cpu_level(void)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        return "x86-64-v4";
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
        __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("fma"))
        return "x86-64-v3";
    if (__builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"))
        return "x86-64-v2";
    return "x86-64-v1 (too old to translate for)";
#else
    return "no x86-64 (interpreter only)";
#endif
}

static const char *compiler(void)
{
#if defined(__clang__)
    return "clang " __clang_version__;
#else
    return "gcc " __VERSION__;
#endif
}

int command_version(int argc, char **argv)
{
    uint64_t total, available;
    struct utsname host;
    struct error err = {0};
    int rc = options_parse(&version_options, argc, argv, NULL, &err);

    if (rc == OPTIONS_HELP) {
        options_print_help(&version_options, stdout);
        return 0;
    }
    if (rc) {
        fprintf(stderr, "armvm version: %s\n", err.text);
        return VM_EXIT_USAGE;
    }
    printf("armvm %s\n", ARMVM_VERSION);
    printf("compiler   %s\n", compiler());
    printf("checks     %s\n", ARMVM_BUILD);
    if (!uname(&host))
        printf("host       %s %s %s\n", host.sysname, host.release, host.machine);
    printf("host CPU   ");
    print_cpu_model();
    printf("level      %s\n", cpu_level());
    printf("host CPUs  %ld\n", sysconf(_SC_NPROCESSORS_ONLN));
    host_ram_sizes(&total, &available);
    if (total != UINT64_MAX)
        printf("memory     %" PRIu64 " MiB, %" PRIu64 " MiB available\n", total >> 20,
               available >> 20);
    printf("/dev/kvm   %s\n", access("/dev/kvm", R_OK | W_OK) ? "not usable" : "usable");
    return 0;
}
