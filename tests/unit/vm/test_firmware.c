/* SPDX-License-Identifier: Apache-2.0 */
/* Which firmware is taken, from descriptions that are right, wrong, or about something else; and
 * the JSON they are written in. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "vm/firmware.h"

static char folder[64];

static int make(void **state)
{
    strcpy(folder, "/tmp/armvm-test-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int discard(void **state)
{
    char command[80];

    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

static char *in_folder(const char *name)
{
    static char paths[4][96];
    static unsigned next;
    char *path = paths[next++ % 4];

    snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void file(const char *name, const char *text)
{
    FILE *f = fopen(in_folder(name), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* A description as packages have it, with the pieces that matter here. */
static void description(const char *name, const char *code, const char *features,
                        const char *device, const char *architecture, const char *format)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "{\"interface-types\": [\"uefi\"], \"mapping\": {\"device\": \"%s\", \"executable\": "
             "{\"filename\": \"%s/%s\", \"format\": \"%s\"}, \"nvram-template\": {\"filename\": "
             "\"%s/vars\", \"format\": \"raw\"}}, \"targets\": [{\"architecture\": \"%s\", "
             "\"machines\": [\"virt-*\"]}], \"features\": [%s]}",
             device, folder, code, format, folder, architecture, features);
    file(name, text);
}

static int find(const char *said, struct firmware *firmware, struct error *err)
{
    const char *const folders[] = {"/nonexistent", folder, NULL};
    const char *known[2][2] = {{in_folder("known.fd"), in_folder("known-vars.fd")}, {NULL, NULL}};
    const struct firmware_places places = {folders, known};

    return firmware_find(said, &places, firmware, err);
}

static void finds(const char *said, const char *code, const char *variables)
{
    struct firmware firmware = {0};
    struct error err = {0};

    if (find(said, &firmware, &err))
        fail_msg("%s", err.text);
    assert_string_equal(firmware.code, in_folder(code));
    if (variables)
        assert_string_equal(firmware.variables, in_folder(variables));
    else
        assert_null(firmware.variables);
    firmware_free(&firmware);
}

static void refuses(const char *said, const char *words)
{
    struct firmware firmware = {0};
    struct error err = {0};

    assert_int_not_equal(find(said, &firmware, &err), 0);
    if (!strstr(err.text, words) || strchr(err.text, '\n'))
        fail_msg("'%s' does not say '%s'", err.text, words);
}

static void the_plainest_description_wins(void **state)
{
    file("a.fd", "a");
    file("b.fd", "b");
    file("c.fd", "c");
    file("vars", "v");
    description("10.json", "a.fd", "\"secure-boot\", \"enrolled-keys\"", "flash", "aarch64", "raw");
    finds("auto", "a.fd", "vars");
    description("20.json", "b.fd", "\"secure-boot\"", "flash", "aarch64", "raw");
    finds("auto", "b.fd", "vars");
    description("30.json", "c.fd", "\"verbose-static\"", "flash", "aarch64", "raw");
    finds("auto", "c.fd", "vars");
}

static void what_is_not_for_this_machine_is_passed_over(void **state)
{
    file("a.fd", "a");
    description("1.json", "a.fd", "", "flash", "x86_64", "raw");
    description("2.json", "a.fd", "", "memory", "aarch64", "raw");
    description("3.json", "a.fd", "", "flash", "aarch64", "qcow2");
    description("4.json", "missing.fd", "", "flash", "aarch64", "raw");
    file("5.json", "{\"mapping\": ");
    file("6.json", "[1, 2]");
    file("7.json", "{\"mapping\": {\"device\": 7, \"executable\": []}, \"targets\": 1}");
    file("8.json", "");
    refuses("auto", "apt-get install qemu-efi-aarch64");
    file("known.fd", "k");
    finds("auto", "known.fd", NULL);
    file("known-vars.fd", "v");
    finds("auto", "known.fd", "known-vars.fd");
}

static void a_file_brings_the_variables_of_its_description(void **state)
{
    file("a.fd", "a");
    file("b.fd", "b");
    file("vars", "v");
    description("1.json", "a.fd", "\"secure-boot\"", "flash", "aarch64", "raw");
    finds(in_folder("a.fd"), "a.fd", "vars");
    finds(in_folder("b.fd"), "b.fd", NULL);
}

static void files_that_are_something_else_are_named(void **state)
{
    char kernel[65] = {0};

    refuses("/nonexistent/fw.fd", "/nonexistent/fw.fd");
    refuses(folder, "directory");
    file("elf", "\x7f"
                "ELF and more");
    refuses(in_folder("elf"), "is an ELF file");
    file("qcow2", "QFI\xfb");
    refuses(in_folder("qcow2"), "is a qcow2 image");
    memset(kernel, 'x', 64);
    memcpy(kernel + 56, "ARM\x64", 4);
    file("kernel", kernel);
    refuses(in_folder("kernel"), "is a kernel: --kernel");
    file("empty", "");
    refuses(in_folder("empty"), "empty");
}

/* --- JSON -------------------------------------------------------------------------------------*/

static void json_is_read_as_it_is_written(void **state)
{
    static const char text[] = " {\"a\" : [1, -0.5e+3, true, null, \"x\\u00e9\\ud83d\\ude00\\n/\"],"
                               "\"b\":{\"c\":\"\\\"\"}, \"d\":[], \"e\":{}} ";
    struct json *root = json_parse(text, strlen(text), NULL);
    const struct json *v = json_first(json_get(root, "a"));

    assert_non_null(root);
    assert_int_equal(json_type(v), JSON_NUMBER);
    v = json_next(v);
    assert_int_equal(json_type(v), JSON_NUMBER);
    v = json_next(v);
    assert_int_equal(json_type(v), JSON_BOOL);
    v = json_next(v);
    assert_int_equal(json_type(v), JSON_NULL);
    v = json_next(v);
    assert_string_equal(json_string(v), "x\xc3\xa9\xf0\x9f\x98\x80\n/");
    assert_null(json_next(v));
    assert_string_equal(json_string(json_get(json_get(root, "b"), "c")), "\"");
    assert_null(json_first(json_get(root, "d")));
    assert_null(json_get(json_get(root, "a"), "x"));
    assert_null(json_string(json_get(root, "missing")));
    json_free(root);
}

static void what_is_not_json_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "'a'",
        "01",
        "1.",
        "-",
        "1e",
        "+1",
        ".5",
        "tru",
        "nulll",
        "[1 2]",
        "{\"a\" 1}",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\n\"",
        "\"a",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\u0000\"",
        "\"\xc3(\"",
        "\"\xed\xa0\x80\"",
        "\"\xc0\x80\"",
        "\"\xf4\x90\x80\x80\"",
        "[1] x",
        "{\"a\":1,\"a\":2}",
        "// c\n1",
        "\"\\ud800\\u0041\"",
        "nan",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct json *root = json_parse(bad[i], strlen(bad[i]), NULL);
        if (root)
            fail_msg("accepted: %s", bad[i]);
    }
}

static void nesting_is_limited(void **state)
{
    char text[131];
    struct json *root;

    memset(text, '[', 64);
    memset(text + 64, ']', 64);
    root = json_parse(text, 128, NULL);
    assert_non_null(root);
    json_free(root);
    memset(text, '[', 65);
    memset(text + 65, ']', 65);
    assert_null(json_parse(text, 130, NULL));
}

static void volume(const char *name, long signature)
{
    FILE *f = fopen(in_folder(name), "w");

    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), 1 << 20), 0);
    assert_int_equal(fseek(f, signature, SEEK_SET), 0);
    fputs("_FVH", f);
    fclose(f);
}

static void only_firmware_volumes_do_without_a_pl011(void **state)
{
    volume("begins.fd", 40);
    volume("page.fd", 4096 + 40);
    volume("odd.fd", 100);
    file("short.bin", "u-boot");
    assert_false(firmware_needs_uart(in_folder("begins.fd")));
    assert_false(firmware_needs_uart(in_folder("page.fd")));
    assert_true(firmware_needs_uart(in_folder("odd.fd")));
    assert_true(firmware_needs_uart(in_folder("short.bin")));
    assert_true(firmware_needs_uart(in_folder("missing")));
}

#define T(name) cmocka_unit_test_setup_teardown(name, make, discard)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_plainest_description_wins),
        T(what_is_not_for_this_machine_is_passed_over),
        T(a_file_brings_the_variables_of_its_description),
        T(files_that_are_something_else_are_named),
        T(only_firmware_volumes_do_without_a_pl011),
        cmocka_unit_test(json_is_read_as_it_is_written),
        cmocka_unit_test(what_is_not_json_is_refused),
        cmocka_unit_test(nesting_is_limited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
