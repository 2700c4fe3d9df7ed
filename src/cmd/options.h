/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Long options, GNU style: --name VALUE, --name=VALUE, "--" ends them. One table says everything
 * about an option; parsing, --help, the completion and the check of the man pages read it.
 */
#ifndef ARMVM_CMD_OPTIONS_H
#define ARMVM_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

struct error;

struct option {
    const char *name; /* without the dashes; NULL ends the table */
    const char *arg;  /* what --help calls the value; NULL: the option takes none */
    const char *help;
    int (*set)(void *ctx, const char *value, struct error *err); /* value is NULL without arg */
    const char *group;        /* heading of this and the options that follow; NULL: as before */
    const char *words;        /* values for the completion, space-separated; "@file": file names */
    bool off;                 /* --no-NAME exists, too: set gets "off" */
    const struct option *sub; /* not an option: here come those of another table */
};

struct option_set {
    const char *command; /* "run" */
    const char *usage;   /* what follows the command's name */
    const char *intro;   /* one or more paragraphs */
    const struct option *table;
    /* An argument that is no option; NULL: there are none. */
    int (*operand)(void *ctx, const char *value, struct error *err);
    const char *epilog;
};

/* All options of a table and of those that it includes: an empty walk, then options_next until
 * NULL. */
struct options_walk {
    const struct option *outer, *inner;
};
const struct option *options_next(const struct option_set *set, struct options_walk *walk);

enum { OPTIONS_HELP = 1 };

/* 0; OPTIONS_HELP if --help or -h was there (nothing printed yet); or negative with one line. */
int options_parse(const struct option_set *set, int argc, char **argv, void *ctx,
                  struct error *err);

void options_print_help(const struct option_set *set, FILE *out);
/* One line an option: "--name", its argument or "-", its words or "-", by tabs. */
void options_print_table(const struct option_set *set, FILE *out);

/* The name that was probably meant, or NULL. */
const char *options_nearest(const struct option_set *set, const char *name);
unsigned options_distance(const char *a, const char *b);

#endif
