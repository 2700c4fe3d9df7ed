/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arm/features.h"
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "vm/code_store.h"
#include "vm/config.h"

/* --- the parser, with a table of its own ---------------------------------------------------- */

struct seen {
    char log[200];
};

static int log_it(struct seen *seen, const char *name, const char *value)
{
    strcat(seen->log, name);
    strcat(seen->log, "=");
    strcat(seen->log, value ? value : "-");
    strcat(seen->log, " ");
    return 0;
}

static int set_size(void *ctx, const char *value, struct error *err)
{
    if (!strcmp(value, "bad"))
        return error_set(err, -EINVAL, "'bad' is bad");
    return log_it(ctx, "size", value);
}

static int set_flag(void *ctx, const char *value, struct error *err)
{
    return log_it(ctx, "flag", value);
}

static int set_memory_dummy(void *ctx, const char *value, struct error *err)
{
    return log_it(ctx, "memory", value);
}

static int operand(void *ctx, const char *value, struct error *err)
{
    return log_it(ctx, "operand", value);
}

static const struct option table[] = {
    {.name = "size", .arg = "SIZE", .set = set_size, .help = "a size"},
    {.name = "flag", .off = true, .set = set_flag, .help = "a flag"},
    {.name = "memory", .arg = "SIZE", .set = set_memory_dummy, .help = "memory"},
    {.name = NULL},
};

static const struct option_set set = {
    .command = "try", .usage = "", .intro = "Tries.", .table = table, .operand = operand};

static const struct {
    const char *args; /* separated by blanks */
    int rc;
    const char *expected; /* what was set, or the message */
} parsed[] = {
    {"", 0, ""},
    {"--size 5", 0, "size=5 "},
    {"--size=5", 0, "size=5 "},
    {"--size=", 0, "size= "},
    {"--size --flag", 0, "size=--flag "},
    {"--size=1 --size=2", 0, "size=1 size=2 "},
    {"--flag", 0, "flag=- "},
    {"--no-flag", 0, "flag=off "},
    {"file --flag file2", 0, "operand=file flag=- operand=file2 "},
    {"-- --flag", 0, "operand=--flag "},
    {"-", 0, "operand=- "},
    {"--help --nonsense", OPTIONS_HELP, NULL},
    {"-h", OPTIONS_HELP, NULL},
    {"--size", -EINVAL, "--size needs a value: --size SIZE"},
    {"--flag=1", -EINVAL, "--flag takes no value"},
    {"--no-flag=1", -EINVAL, "--no-flag takes no value"},
    {"--no-size", -EINVAL, "no option --no-size; 'armvm try --help' lists them"},
    {"--size bad", -EINVAL, "--size: 'bad' is bad"},
    {"--siez 5", -EINVAL, "no option --siez; did you mean --size?"},
    {"--mem 5", -EINVAL, "no option --mem; did you mean --memory?"},
    {"-m 5", -EINVAL, "no option -m; did you mean --memory?"},
    {"-size 5", -EINVAL, "no option -size; did you mean --size?"},
    {"--frobnicate", -EINVAL, "no option --frobnicate; 'armvm try --help' lists them"},
    {"--=", -EINVAL, "no option --; 'armvm try --help' lists them"},
};

static int parse_line(const struct option_set *options, const char *line, void *ctx,
                      struct error *err)
{
    char copy[200], *argv[16] = {(char *)"try"};
    int argc = 1;

    strcpy(copy, line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        argv[argc++] = word;
    return options_parse(options, argc, argv, ctx, err);
}

static void command_lines_parse_as_documented(void **state)
{
    for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
        struct seen seen = {""};
        struct error err = {0};
        int rc = parse_line(&set, parsed[i].args, &seen, &err);
        assert_int_equal(rc, parsed[i].rc);
        if (rc < 0)
            assert_string_equal(err.text, parsed[i].expected);
        if (rc == 0)
            assert_string_equal(seen.log, parsed[i].expected);
    }
}

static void very_long_option_is_refused_in_one_line(void **state)
{
    char *text = malloc(100002), *argv[] = {(char *)"try", text};
    struct error err = {0};

    memset(text, 'x', 100001);
    text[0] = text[1] = '-';
    text[100001] = 0;
    assert_int_equal(options_parse(&set, 2, argv, NULL, &err), -EINVAL);
    assert_null(strchr(err.text, '\n'));
    free(text);
}

static void distance_counts_typing_mistakes(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned distance;
    } pairs[] = {{"", "", 0},
                 {"abc", "abc", 0},
                 {"abc", "acb", 1},
                 {"abc", "ab", 1},
                 {"abc", "abcd", 1},
                 {"abc", "axc", 1},
                 {"", "abc", 3},
                 {"cpus", "cpu", 1},
                 {"kernal", "kernel", 1},
                 {"memroy", "memory", 1}};

    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_int_equal(options_distance(pairs[i].a, pairs[i].b), pairs[i].distance);
}

/* --- the tables ------------------------------------------------------------------------------ */

static void tables_are_complete(void **state)
{
    static const struct option_set *const sets[] = {&run_options, &dt_options, &acpi_options,
                                                    &cpus_options, &version_options};

    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        assert_true(sets[i]->command && sets[i]->usage && sets[i]->intro);
        struct options_walk walk = {0};
        for (const struct option *a; (a = options_next(sets[i], &walk));) {
            struct options_walk rest = walk;
            assert_non_null(a->set);
            assert_non_null(a->help);
            assert_true(a->name[0] >= 'a' && a->name[0] <= 'z');
            assert_int_equal(strspn(a->name, "abcdefghijklmnopqrstuvwxyz-2"), strlen(a->name));
            for (const struct option *b; (b = options_next(sets[i], &rest));)
                assert_string_not_equal(a->name, b->name);
        }
    }
}

/* The completion offers what there is. */
static void completion_knows_every_cpu_model(void **state)
{
    const struct option *option;
    struct options_walk walk = {0};
    const char *words, *name;

    while (strcmp((option = options_next(&run_options, &walk))->name, "cpu"))
        ;
    words = option->words;
    for (unsigned i = 0; (name = arm_model_name(i)); i++) {
        size_t len = strlen(name);
        assert_int_equal(strncmp(words, name, len), 0);
        words += len + (words[len] == ' ');
    }
    assert_string_equal(words, "");
}

/* Scripts may rely on them from the first day, supported or not. */
static const char *const promised[] = {
    "kernel",    "initrd",   "append",  "firmware",      "vars",       "cpus",
    "memory",    "cpu",      "board",   "gic",           "console",    "disk",
    "net",       "rng",      "engine",  "host-cpu",      "serial",     "code-cache",
    "code-store", "tier2", "ephemeral", "timeout",  "expect",  "trace",         "trace-file", "gdb",
    "stats",     "perf-map", "dry-run", "legacy-virtio", "virtio-bus", "acpi",
};

static void the_code_store_is_in_the_users_cache_directory(void **state)
{
    char room[64];

    setenv("XDG_CACHE_HOME", "/x/cache", 1);
    setenv("HOME", "/tmp", 1);
    assert_string_equal(code_store_directory(NULL, room, sizeof(room)), "/x/cache/armvm/code");
    setenv("XDG_CACHE_HOME", "relative", 1);
    assert_string_equal(code_store_directory(NULL, room, sizeof(room)), "/tmp/.cache/armvm/code");
    assert_null(code_store_directory(NULL, room, 10));
    setenv("HOME", "/nonexistent", 1);
    assert_null(code_store_directory(NULL, room, sizeof(room)));
    unsetenv("HOME");
    assert_null(code_store_directory(NULL, room, sizeof(room)));
    assert_null(code_store_directory("off", room, sizeof(room)));
    assert_string_equal(code_store_directory("there", room, sizeof(room)), "there");
}

static void promised_options_exist(void **state)
{
    for (size_t i = 0; i < sizeof(promised) / sizeof(promised[0]); i++) {
        const struct option *option;
        struct options_walk walk = {0};
        while ((option = options_next(&run_options, &walk)) && strcmp(option->name, promised[i]))
            ;
        assert_non_null(option);
    }
}

static const struct {
    const char *args, *words; /* NULL: fine */
} run_lines[] = {
    {"--kernel k --initrd i --append x --cpus 4 --memory 2G --gic 2 --console virtio", NULL},
    {"--disk path=a,readonly,format=qcow2 --disk b,format=raw,legacy,bus=mmio --net none --no-rng", NULL},
    {"--net user,hostfwd=tcp:2222:22,mac=52:54:00:00:00:09,legacy --engine interpret", NULL},
    {"--serial file:/x --serial pty --serial socket:/y --serial none --host-cpu v3", NULL},
    {"--cpu cortex-a72 --code-cache 64M --timeout 90s --expect ok --stats --perf-map", NULL},
    {"--code-store /var/tmp/store --code-store off", NULL},
    {"--tier2 20 --tier2 1000000 --tier2 0 --without tier2,links", NULL},
    {"--tier2 19", "0 or 20 to 1000000 are"},
    {"--tier2 1000001", "0 to 1000000 are"},
    {"--tier2 often", "is no number"},
    {"--code-store=", "say which directory, or off"},
    {"--firmware none --board virt --trace exc --trace-file f --dry-run --ephemeral", NULL},
    {"disk.img", NULL},
    {"disk.img --firmware /usr/share/AAVMF/AAVMF_CODE.fd --vars f --disk path=b", NULL},
    {"a.img b.img", "there is an image to boot already"},
    {"--firmware auto --vars f", NULL},
    {"--firmware=", "say auto, none or a file"},
    {"--vars=", "say which file"},
    {"--board kvmtool", "does not have the board 'kvmtool' yet"},
    {"--board xen", "does not have the board 'xen' yet"},
    {"--board q35", "there are virt, kvmtool and xen"},
    {"--console xen", "no Xen console yet"},
    {"--disk path=a,bus=pci --net user,bus=mmio --virtio-bus pci", NULL},
    {"--disk path=a,bus=xen", "no Xen devices yet"},
    {"--net user,bus=isa", "no bus 'isa'"},
    {"--virtio-bus usb", "no bus 'usb'"},
    {"--disk path=a,format=vdi", "no format 'vdi'"},
    {"--disk path=a,colour=red", "'colour' is not understood"},
    {"--disk format=raw", "no path given"},
    {"--disk=", "no path given"},
    {"--net tap,name=t0", "no tap network yet"},
    {"--net bridge", "no network 'bridge'"},
    {"--net user,mac=5", "no MAC address"},
    {"--net user,mac=01:00:00:00:00:00", "group address"},
    {"--engine kvm", "no KVM engine yet"},
    {"--engine turbo", "there are auto, translate, interpret and kvm"},
    {"--gdb 1234", NULL},
    {"--gdb 0,wait", NULL},
    {"--gdb 65536", "0 to 65535"},
    {"--gdb 12345678", "0 to 65535"},
    {"--gdb 1,soon", "PORT,wait"},
    {"--gdb tcp", "is no number"},
    {"--gic 4", "there are 2 and 3"},
    {"--cpus 0", "1 to 123"},
    {"--cpus -1", "is no number"},
    {"--cpus 99999999999999999999", "1 to 123"},
    {"--cpus 2x", "is no number"},
    {"--memory 0", "too little"},
    {"--memory 512", "did you mean 512M"},
    {"--memory 1.5G", "is no size"},
    {"--memory -1G", "is no size"},
    {"--memory 100000000T", "more than any machine has"},
    {"--memory 16777217", "no whole number of MiB"},
    {"--cpu pentium", "pentium"},
    {"--cpu max,+nonsense", "nonsense"},
    {"--serial telnet", "there are stdio"},
    {"--serial file:", "needs a path"},
    {"--host-cpu v9", "there are native, v2, v3 and v4"},
    {"--code-cache 1K", "1M to 1G"},
    {"--timeout 0", "no time span"},
    {"--timeout soon", "no time span"},
};

static void run_refuses_what_it_cannot_do_in_one_line(void **state)
{
    for (size_t i = 0; i < sizeof(run_lines) / sizeof(run_lines[0]); i++) {
        struct vm_config config;
        struct error err = {0};
        int rc;
        vm_config_init(&config);
        rc = parse_line(&run_options, run_lines[i].args, &config, &err);
        if (!run_lines[i].words) {
            assert_string_equal(err.text, "");
            assert_int_equal(rc, 0);
        } else {
            assert_int_equal(rc, -EINVAL);
            if (!strstr(err.text, run_lines[i].words))
                fail_msg("%s: %s", run_lines[i].args, err.text);
            assert_null(strchr(err.text, '\n'));
        }
        vm_config_free(&config);
    }
}

static void doubled_comma_in_a_path_stands_for_one(void **state)
{
    struct vm_config config;

    vm_config_init(&config);
    assert_int_equal(vm_config_add_disk(&config, "path=a,,b=c.img,readonly", NULL), 0);
    assert_int_equal(vm_config_add_disk(&config, "x,,,legacy", NULL), 0);
    assert_string_equal(config.disk[0].path, "a,b=c.img");
    assert_true(config.disk[0].readonly && !config.disk[0].legacy);
    assert_string_equal(config.disk[1].path, "x,");
    assert_true(config.disk[1].legacy);
    vm_config_free(&config);
}

static void a_bus_that_is_said_is_kept(void **state)
{
    struct vm_config config;

    vm_config_init(&config);
    assert_int_equal(config.virtio_bus, VM_BUS_UNSAID);
    assert_int_equal(vm_config_add_disk(&config, "a,bus=pci", NULL), 0);
    assert_int_equal(vm_config_add_disk(&config, "b", NULL), 0);
    assert_int_equal(vm_config_add_net(&config, "user,bus=mmio", NULL), 0);
    assert_int_equal(config.disk[0].bus, VM_BUS_PCI);
    assert_int_equal(config.disk[1].bus, VM_BUS_UNSAID);
    assert_int_equal(config.net[0].bus, VM_BUS_MMIO);
    assert_string_equal(config.net[0].spec, "");
    vm_config_free(&config);
}

static void net_keeps_the_back_ends_part(void **state)
{
    struct vm_config config;

    vm_config_init(&config);
    assert_int_equal(vm_config_add_net(&config,
                                       "user,hostfwd=tcp:1:2,mac=52:54:00:00:00:09,hostfwd=tcp:3:4",
                                       NULL),
                     0);
    assert_string_equal(config.net[0].spec, "hostfwd=tcp:1:2,hostfwd=tcp:3:4");
    assert_true(config.net[0].has_mac);
    assert_int_equal(config.net[0].mac[5], 9);
    vm_config_free(&config);
}

/* --- values ----------------------------------------------------------------------------------- */

static void sizes_are_powers_of_1024(void **state)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},           {"1", 1},
                {"1k", 1024},       {"64K", 65536},
                {"512M", 1u << 29}, {"2G", 1ull << 31},
                {"1T", 1ull << 40}, {"64KiB", 65536},
                {"64kb", 65536},    {"18446744073709551615", UINT64_MAX}};
    static const char *const bad[] = {"",
                                      "M",
                                      "1X",
                                      "1 M",
                                      " 1M",
                                      "1MiBs",
                                      "0x10",
                                      "1.5G",
                                      "-1",
                                      "+1",
                                      "18446744073709551616",
                                      "16777216T",
                                      "1e9"};
    struct error err;
    uint64_t bytes;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(value_size(good[i].text, &bytes, NULL), 0);
        assert_true(bytes == good[i].bytes);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(value_size(bad[i], &bytes, &err), -EINVAL);
}

static void durations_have_units(void **state)
{
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"1", 1000},     {"1.5", 1500},   {"90s", 90000},
                {"10m", 600000}, {"1h", 3600000}, {"250ms", 250}};
    static const char *const bad[] = {
        "", "0", "-1", "1d", "s", "1.2.3", "inf", "nan", "1e99", "99999999999999999999h", "0x10"};
    struct error err;
    uint64_t ns;

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(value_duration(good[i].text, &ns, NULL), 0);
        assert_true(ns == good[i].ms * 1000000);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(value_duration(bad[i], &ns, &err), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(command_lines_parse_as_documented),
        cmocka_unit_test(very_long_option_is_refused_in_one_line),
        cmocka_unit_test(distance_counts_typing_mistakes),
        cmocka_unit_test(tables_are_complete),
        cmocka_unit_test(completion_knows_every_cpu_model),
        cmocka_unit_test(promised_options_exist),
        cmocka_unit_test(the_code_store_is_in_the_users_cache_directory),
        cmocka_unit_test(run_refuses_what_it_cannot_do_in_one_line),
        cmocka_unit_test(doubled_comma_in_a_path_stands_for_one),
        cmocka_unit_test(a_bus_that_is_said_is_kept),
        cmocka_unit_test(net_keeps_the_back_ends_part),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(durations_have_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
