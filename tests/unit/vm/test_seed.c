/* SPDX-License-Identifier: Apache-2.0 */
/* The seed disk, judged by mtools and fsck.fat. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"
#include "vm/seed.h"

enum { TEXT = 1 << 20 };

/* Writes the disk to a file, whose name goes to path. */
static void build(const struct seed_config *config, char path[32])
{
    struct error err = {0};
    uint8_t *image;
    size_t size;
    assert_int_equal(seed_build(config, &image, &size, &err), 0);
    assert_int_equal(size % 512, 0);
    strcpy(path, "/tmp/armvm-seed-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, image, size), size);
    close(fd);
    free(image);
}

/* What a command prints; %s in it stands for path. Its exit status must be 0. */
static const char *run(const char *command, const char *path)
{
    static char text[TEXT];
    char line[200];
    snprintf(line, sizeof(line), command, path);
    FILE *pipe = popen(line, "r");
    assert_non_null(pipe);
    text[fread(text, 1, sizeof(text) - 1, pipe)] = 0;
    int status = pclose(pipe);
    if (status)
        fail_msg("%s: %s", line, text);
    return text;
}

static void disk_is_sound_and_labelled(void **state)
{
    char path[32];
    build(&(struct seed_config){.user = "anna", .keys = {"ssh-ed25519 AAAA a"}, .key_count = 1},
          path);
    run("PATH=$PATH:/usr/sbin fsck.fat -n %s", path);
    assert_non_null(strstr(run("MTOOLS_SKIP_CHECK=1 mlabel -s -i %s ::", path), "CIDATA"));
    const char *list = run("mdir -b -i %s ::", path);
    assert_non_null(strstr(list, "user-data"));
    assert_non_null(strstr(list, "meta-data"));
    unlink(path);
}

static void user_data_names_user_and_keys(void **state)
{
    char path[32];
    build(&(struct seed_config){.user = "anna",
                                .keys = {"ssh-ed25519 AAAA \"quoted\\", "ssh-rsa BBBB"},
                                .key_count = 2},
          path);
    const char *text = run("mtype -i %s ::user-data", path);
    assert_memory_equal(text, "#cloud-config\n", 14);
    assert_non_null(strstr(text, "- name: \"anna\"\n"));
    assert_non_null(
        strstr(text, "  - \"ssh-ed25519 AAAA \\\"quoted\\\\\"\n  - \"ssh-rsa BBBB\"\n"));
    assert_null(strstr(text, "passwd"));
    assert_non_null(strstr(text, "ssh_pwauth: false\n"));
    unlink(path);
}

static void password_cannot_leave_its_string(void **state)
{
    char path[32];
    build(&(struct seed_config){.user = "anna", .password = "a\"\nruncmd: [x]\n"}, path);
    const char *text = run("mtype -i %s ::user-data", path);
    assert_null(strstr(text, "\nruncmd"));
    assert_non_null(strstr(text, "plain_text_passwd: \"a\\\"\\u000aruncmd: [x]\\u000a\"\n"));
    unlink(path);
}

static void same_input_gives_same_instance(void **state)
{
    const struct seed_config one = {.user = "anna", .hostname = "h"}, two = {.user = "berta"};
    char path[3][32], first[200];
    build(&one, path[0]);
    build(&one, path[1]);
    build(&two, path[2]);
    snprintf(first, sizeof(first), "%s", run("mtype -i %s ::meta-data", path[0]));
    assert_non_null(strstr(first, "local-hostname: \"h\"\n"));
    assert_string_equal(first, run("mtype -i %s ::meta-data", path[1]));
    assert_string_not_equal(first, run("mtype -i %s ::meta-data", path[2]));
    for (unsigned i = 0; i < 3; i++)
        unlink(path[i]);
}

static void long_keys_take_many_clusters(void **state)
{
    char path[32], key[8000];
    struct seed_config config = {.user = "anna", .key_count = SEED_MAX_KEYS};
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = 0;
    for (unsigned i = 0; i < SEED_MAX_KEYS; i++)
        config.keys[i] = key;
    build(&config, path);
    run("PATH=$PATH:/usr/sbin fsck.fat -n %s", path);
    assert_true(strlen(run("mtype -i %s ::user-data", path)) > SEED_MAX_KEYS * sizeof(key));
    unlink(path);
}

static void more_than_the_disk_holds_is_refused(void **state)
{
    struct error err = {0};
    uint8_t *image;
    size_t size;
    char *password = malloc(2 << 20);
    memset(password, 'p', (2 << 20) - 1);
    password[(2 << 20) - 1] = 0;
    assert_true(seed_build(&(struct seed_config){.user = "a", .password = password}, &image, &size,
                           &err) < 0);
    free(password);
}

static void only_login_names_are_users(void **state)
{
    struct error err = {0};
    assert_int_equal(seed_check_user("anna-2", &err), 0);
    assert_int_equal(seed_check_user("_x", &err), 0);
    assert_true(seed_check_user("", &err) < 0);
    assert_true(seed_check_user("Anna", &err) < 0);
    assert_true(seed_check_user("a b", &err) < 0);
    assert_true(seed_check_user("1a", &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disk_is_sound_and_labelled),
        cmocka_unit_test(user_data_names_user_and_keys),
        cmocka_unit_test(password_cannot_leave_its_string),
        cmocka_unit_test(same_input_gives_same_instance),
        cmocka_unit_test(long_keys_take_many_clusters),
        cmocka_unit_test(more_than_the_disk_holds_is_refused),
        cmocka_unit_test(only_login_names_are_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
