/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/args.h"

#include <stdio.h>

#include "check/vm/vm.h"

void args_add(struct args *args, const char *word)
{
    if (args->count + 1 < ARGS)
        args->word[args->count++] = word;
}

void args_number(struct args *args, const char *option, unsigned long n)
{
    char *text = args->text[args->texts++ % ARGS_TEXTS];

    snprintf(text, sizeof(args->text[0]), "%lu", n);
    args_add(args, option);
    args_add(args, text);
}

void args_disk(struct args *args, const char *path)
{
    char *text = args->text[args->texts++ % ARGS_TEXTS];

    snprintf(text, sizeof(args->text[0]), "path=%s,format=raw", path);
    args_add(args, "--disk");
    args_add(args, text);
}

void args_run(struct args *args, const struct vm_check *check, const struct vm_variant *v,
              const char *image)
{
    *args = (struct args){0};
    args_add(args, check->armvm);
    args_add(args, "run");
    args_number(args, "--gic", v->gic);
    args_number(args, "--cpus", v->cpus);
    args_add(args, "--virtio-bus");
    args_add(args, v->pci ? "pci" : "mmio");
    args_add(args, "--console");
    args_add(args, v->virtio_console ? "virtio" : "pl011");
    if (v->acpi)
        args_add(args, "--acpi");
    if (check->firmware) {
        args_add(args, "--firmware");
        args_add(args, check->firmware);
    }
    args_add(args, "--net");
    args_add(args, "user");
    for (unsigned i = 0; i < check->mores; i++)
        args_add(args, check->more[i]);
    args_add(args, image);
}
