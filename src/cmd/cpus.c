/* SPDX-License-Identifier: Apache-2.0 */
/* armvm cpus: models and features for --cpu. */
#include <stdio.h>
#include <string.h>

#include "arm/features.h"
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "vm/vm.h"

static const struct option table[] = {{.name = NULL}};

const struct option_set cpus_options = {
    .command = "cpus",
    .usage = "",
    .intro = "Lists the CPU models and their features. Usage: armvm run --cpu MODEL,+feature,"
             "-feature",
    .table = table,
};

static void print_features(const struct arm_features *features)
{
    enum { INDENT = 14, WIDTH = 79 };
    int at = INDENT;

    for (unsigned i = 0; i < ARM_FEATURES; i++) {
        const char *name = arm_feature_name(i);
        if (!arm_has(features, i))
            continue;
        if (at > INDENT && at + 1 + (int)strlen(name) > WIDTH)
            at = printf("\n%*s", INDENT, "") - 1;
        at += printf("%s%s", at > INDENT ? " " : "", name);
    }
    printf("\n");
}

int command_cpus(int argc, char **argv)
{
    struct arm_features features;
    struct error err = {0};
    const char *name;
    int rc = options_parse(&cpus_options, argc, argv, NULL, &err);

    if (rc == OPTIONS_HELP) {
        options_print_help(&cpus_options, stdout);
        return 0;
    }
    if (rc) {
        fprintf(stderr, "armvm cpus: %s\n", err.text);
        return VM_EXIT_USAGE;
    }
    printf("%-14sFeatures (FEAT_ names without the prefix)\n", "Model");
    for (unsigned i = 0; (name = arm_model_name(i)); i++) {
        if (arm_features_parse(&features, name, &err))
            continue;
        printf("%-14s", name);
        print_features(&features);
    }
    return 0;
}
