/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { WIDTH = 79, HELP_COLUMN = 26, NAME_MAX_CHARS = 32 };

/* What people type who come from elsewhere. */
static const struct {
    const char *theirs, *ours;
} elsewhere[] = {
    {"m", "memory"},      {"mem", "memory"},     {"ram", "memory"},         {"smp", "cpus"},
    {"vcpus", "cpus"},    {"drive", "disk"},     {"hda", "disk"},           {"blockdev", "disk"},
    {"netdev", "net"},    {"nic", "net"},        {"network", "net"},        {"accel", "engine"},
    {"machine", "board"}, {"M", "board"},        {"bios", "firmware"},      {"pflash", "firmware"},
    {"params", "append"}, {"cmdline", "append"}, {"snapshot", "ephemeral"}, {"d", "trace"},
    {"s", "gdb"},         {"tty", "serial"},     {"initramfs", "initrd"},   {"V", "version"},
};

/* --- finding -------------------------------------------------------------------------------- */

/* Insertions, deletions, replacements and swaps of neighbours that make b of a. */
unsigned options_distance(const char *a, const char *b)
{
    unsigned row[3][NAME_MAX_CHARS + 1];
    size_t m = strlen(a), n = strlen(b);

    if (m > NAME_MAX_CHARS || n > NAME_MAX_CHARS)
        return NAME_MAX_CHARS;
    for (unsigned j = 0; j <= n; j++)
        row[0][j] = j;
    for (unsigned i = 1; i <= m; i++) {
        unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    return row[m % 3][n];
}

const struct option *options_next(const struct option_set *set, struct options_walk *walk)
{
    if (!walk->outer)
        walk->outer = set->table;
    for (;;) {
        if (walk->inner && walk->inner->name)
            return walk->inner++;
        walk->inner = NULL;
        if (!walk->outer->sub)
            return walk->outer->name ? walk->outer++ : NULL;
        walk->inner = walk->outer++->sub;
    }
}

static const struct option *find(const struct option_set *set, const char *name, size_t len)
{
    struct options_walk walk = {0};

    for (const struct option *option; (option = options_next(set, &walk));)
        if (strlen(option->name) == len && !memcmp(option->name, name, len))
            return option;
    return NULL;
}

const char *options_nearest(const struct option_set *set, const char *name)
{
    const struct option *option;
    const char *best = NULL;
    size_t len = strlen(name);
    unsigned limit = len < 4 ? 1 : len < 8 ? 2 : 3;

    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (!strcmp(name, elsewhere[i].theirs) &&
            find(set, elsewhere[i].ours, strlen(elsewhere[i].ours)))
            return elsewhere[i].ours;
    /* An abbreviation, or the nearest name by typing mistakes. */
    for (struct options_walk walk = {0}; (option = options_next(set, &walk));)
        if (len >= 3 && !strncmp(option->name, name, len))
            return option->name;
    for (struct options_walk walk = {0}; (option = options_next(set, &walk));) {
        unsigned distance = options_distance(name, option->name);
        if (distance <= limit) {
            limit = distance - (distance > 0);
            best = option->name;
        }
    }
    return best;
}

/* --- parsing -------------------------------------------------------------------------------- */

static int unknown(const struct option_set *set, const char *arg, struct error *err)
{
    char name[NAME_MAX_CHARS + 1];
    size_t dashes = arg[1] == '-' ? 2 : 1;
    const char *nearest;

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(arg + dashes, "="), arg + dashes);
    if (!strcmp(name, "nographic"))
        return error_set(err, -EINVAL,
                         "armvm needs no %s; the console is on the terminal, or where "
                         "--serial says",
                         arg);
    nearest = options_nearest(set, name);
    if (nearest)
        return error_set(err, -EINVAL, "no option %s%s; did you mean --%s?",
                         dashes == 2 ? "--" : "-", name, nearest);
    return error_set(err, -EINVAL, "no option %s%s; 'armvm %s --help' lists them",
                     dashes == 2 ? "--" : "-", name, set->command);
}

static int apply(const struct option *option, void *ctx, const char *value, struct error *err)
{
    struct error own = {0};
    char prefix[NAME_MAX_CHARS + 8];
    int rc = option->set(ctx, value, &own);

    if (rc && err) {
        snprintf(prefix, sizeof(prefix), "--%s:", option->name);
        *err = own;
        if (strncmp(own.text, prefix, strlen(prefix)))
            error_prefix(err, "--%s", option->name);
    }
    return rc;
}

/* One option at argv[*i]; may take the next argument, too. */
static int parse_one(const struct option_set *set, int argc, char **argv, int *i, void *ctx,
                     struct error *err)
{
    const char *arg = argv[*i], *name = arg + 2, *value = strchr(arg, '=');
    size_t len = value ? (size_t)(value - name) : strlen(name);
    const struct option *option;

    if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
        return OPTIONS_HELP;
    if (arg[1] != '-')
        return unknown(set, arg, err);
    if (value)
        value++;
    option = find(set, name, len);
    if (!option && len > 3 && !memcmp(name, "no-", 3)) {
        option = find(set, name + 3, len - 3);
        if (option && option->off)
            return value ? error_set(err, -EINVAL, "--no-%s takes no value", option->name)
                         : apply(option, ctx, "off", err);
        option = NULL;
    }
    if (!option)
        return unknown(set, arg, err);
    if (!option->arg && value)
        return error_set(err, -EINVAL, "--%s takes no value", option->name);
    if (option->arg && !value) {
        if (*i + 1 >= argc)
            return error_set(err, -EINVAL, "--%s needs a value: --%s %s", option->name,
                             option->name, option->arg);
        value = argv[++*i];
    }
    return apply(option, ctx, value, err);
}

int options_parse(const struct option_set *set, int argc, char **argv, void *ctx, struct error *err)
{
    bool only_operands = false;

    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int rc;
        if (!only_operands && !strcmp(arg, "--")) {
            only_operands = true;
            continue;
        }
        if (!only_operands && arg[0] == '-' && arg[1])
            rc = parse_one(set, argc, argv, &i, ctx, err);
        else if (set->operand)
            rc = set->operand(ctx, arg, err);
        else
            rc = error_set(err, -EINVAL, "'%s' is one argument too many", arg);
        if (rc)
            return rc;
    }
    return 0;
}

/* --- help ----------------------------------------------------------------------------------- */

/* Prints text in columns indent to WIDTH; the cursor is at column at. */
static void wrap(FILE *out, const char *text, int indent, int at)
{
    while (*text) {
        int len = (int)strcspn(text, " \n");
        if (at > indent && at + 1 + len > WIDTH) {
            fputc('\n', out);
            at = 0;
        }
        if (at < indent)
            fprintf(out, "%*s", indent - at, "");
        else if (at > indent)
            fputc(' ', out);
        at = (at < indent ? indent : at + (at > indent)) + len;
        fprintf(out, "%.*s", len, text);
        text += len;
        if (*text == '\n') {
            fputc('\n', out);
            at = 0;
        }
        text += *text != 0;
    }
    fputc('\n', out);
}

static void print_option(const struct option *option, FILE *out)
{
    int at = fprintf(out, "  --%s%s%s%s", option->off ? "[no-]" : "", option->name,
                     option->arg ? " " : "", option->arg ? option->arg : "");

    if (at > HELP_COLUMN - 2) {
        fputc('\n', out);
        at = 0;
    }
    wrap(out, option->help, HELP_COLUMN, at);
}

void options_print_help(const struct option_set *set, FILE *out)
{
    struct options_walk walk = {0};
    bool any = false;

    fprintf(out, "Usage: armvm %s%s%s\n\n", set->command, *set->usage ? " " : "", set->usage);
    wrap(out, set->intro, 0, 0);
    for (const struct option *option; (option = options_next(set, &walk)); any = true) {
        if (option->group)
            fprintf(out, "\n%s:\n", option->group);
        print_option(option, out);
    }
    fprintf(out, "%s  --help", any ? "" : "\n");
    wrap(out, "prints this", HELP_COLUMN, 8);
    if (set->epilog) {
        fputc('\n', out);
        wrap(out, set->epilog, 0, 0);
    }
}

void options_print_table(const struct option_set *set, FILE *out)
{
    struct options_walk walk = {0};

    for (const struct option *option; (option = options_next(set, &walk));) {
        fprintf(out, "--%s\t%s\t%s\n", option->name, option->arg ? option->arg : "-",
                option->words ? option->words : "-");
        if (option->off)
            fprintf(out, "--no-%s\t-\t-\n", option->name);
    }
    fprintf(out, "--help\t-\t-\n");
}
