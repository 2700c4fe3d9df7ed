/* SPDX-License-Identifier: Apache-2.0 */
/*
 * armvm image create: checks what was asked for, has share/image/create.sh build a raw image beside
 * the place where it is wanted, and puts it there when it is complete.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "host/file.h"
#include "image/qcow2_out.h"
#include "image/text.h"
#include "vm/vm.h"

enum { HOSTNAME_CHARS = 63, USER_CHARS = 32, KEY_BYTES = 65536 };

static const uint64_t SIZE_MIN = 1ull << 30, SIZE_MAX_IMAGE = 16ull << 40, MIB = 1 << 20;

struct create_config {
    const char *output, *suite, *hostname, *user, *password, *ssh_key, *mirror;
    char *include; /* names, by spaces */
    uint64_t size;
    unsigned format;
    bool format_given, force, quiet, verbose;
};

enum { FORMAT_RAW, FORMAT_QCOW2 };

/* --- options ---------------------------------------------------------------------------------- */

static int set_output(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;

    if (!*value)
        return error_set(err, -EINVAL, "no file name");
    config->output = value;
    return 0;
}

static int set_format(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"raw", "qcow2", NULL};
    struct create_config *config = ctx;

    config->format_given = true;
    return value_choice(value, names, &config->format, err);
}

static int set_size(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;
    int rc = value_size(value, &config->size, err);

    if (rc)
        return rc;
    if (config->size < SIZE_MIN || config->size > SIZE_MAX_IMAGE)
        return error_set(err, -EINVAL, "%s: a size from 1G to 16T is needed", value);
    config->size = align_up(config->size, MIB);
    return 0;
}

/* A value as messages show it: one line, not too long. */
static const char *shown(const char *value, size_t len, char text[80])
{
    text_utf8((const uint8_t *)value, len, text, 80);
    return text;
}

/* Lower-case letters, digits and some more; begins with a letter or digit. */
static bool plain_name(const char *name, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++) {
        bool alnum = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9');
        if (!alnum && (!i || !strchr(more, name[i])))
            return false;
    }
    return len > 0;
}

static int set_suite(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;
    char text[80];

    if (!plain_name(value, strlen(value), "-."))
        return error_set(err, -EINVAL, "'%s' is no name of a Debian suite, such as bookworm",
                         shown(value, strlen(value), text));
    config->suite = value;
    return 0;
}

static int set_hostname(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;
    char text[80];
    size_t len = strlen(value);

    /* RFC 1123, 2.1, in lower case. */
    if (!plain_name(value, len, "-") || len > HOSTNAME_CHARS || value[len - 1] == '-')
        return error_set(err, -EINVAL, "'%s' is no host name: up to 63 of a-z, 0-9 and '-' within",
                         shown(value, strlen(value), text));
    config->hostname = value;
    return 0;
}

static int set_user(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;
    char text[80];

    if (!plain_name(value, strlen(value), "-_") || value[0] < 'a' || strlen(value) > USER_CHARS)
        return error_set(err, -EINVAL,
                         "'%s' is no user name: up to 32 of a-z, 0-9, '-' and '_', a letter first",
                         shown(value, strlen(value), text));
    if (!strcmp(value, "root"))
        return error_set(err, -EINVAL, "root cannot log in; name another user, who has sudo");
    config->user = value;
    return 0;
}

static int set_password(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;

    for (const char *c = value; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return error_set(err, -EINVAL, "a password has no control characters");
    if (!*value || strlen(value) > 256)
        return error_set(err, -EINVAL, "a password has 1 to 256 bytes");
    config->password = value;
    return 0;
}

static int set_ssh_key(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;

    config->ssh_key = value;
    return 0;
}

static int set_include(void *ctx, const char *value, struct error *err)
{
    struct create_config *config = ctx;
    char text[80], *all;

    for (const char *at = value;; at++) {
        size_t len = strcspn(at, ", ");
        if (!plain_name(at, len, "+-.") || len < 2)
            return error_set(err, -EINVAL, "'%s' is no name of a package", shown(at, len, text));
        at += len;
        if (!*at)
            break;
    }
    if (asprintf(&all, "%s%s%s", config->include ? config->include : "", config->include ? " " : "",
                 value) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    for (char *c = all; *c; c++)
        if (*c == ',')
            *c = ' ';
    free(config->include);
    config->include = all;
    return 0;
}

static int set_mirror(void *ctx, const char *value, struct error *err)
{
    static const char *const schemes[] = {"http://", "https://", "file:/"};
    struct create_config *config = ctx;
    char text[80];
    bool known = false;

    for (unsigned i = 0; i < ARRAY_SIZE(schemes); i++)
        known |= !strncmp(value, schemes[i], strlen(schemes[i])) && value[strlen(schemes[i])];
    for (const char *c = value; *c; c++)
        known &= *c > ' ' && *c != '[' && *c != ']' && *c != '#' && (unsigned char)*c < 0x7f;
    if (!known)
        return error_set(err, -EINVAL, "'%s' is no address: http://, https:// or file:/ and a path",
                         shown(value, strlen(value), text));
    config->mirror = value;
    return 0;
}

static int set_force(void *ctx, const char *value, struct error *err)
{
    ((struct create_config *)ctx)->force = true;
    return 0;
}

static int set_quiet(void *ctx, const char *value, struct error *err)
{
    ((struct create_config *)ctx)->quiet = true;
    return 0;
}

static int set_verbose(void *ctx, const char *value, struct error *err)
{
    ((struct create_config *)ctx)->verbose = true;
    return 0;
}

static const struct option table[] = {
    {.group = "The file",
     .name = "output",
     .arg = "FILE",
     .set = set_output,
     .words = "@file",
     .help = "the image to write (default: debian-SUITE-arm64.img, or .qcow2)"},
    {.name = "format",
     .arg = "raw|qcow2",
     .set = set_format,
     .words = "raw qcow2",
     .help = "its format (default: qcow2 if FILE ends so, else raw)"},
    {.name = "size",
     .arg = "SIZE",
     .set = set_size,
     .help = "the disk's size (default: 4G); what is not used takes no space. A larger disk is "
             "taken into use at the first boot"},
    {.name = "force", .set = set_force, .help = "replace FILE if it exists"},

    {.group = "What is in it",
     .name = "suite",
     .arg = "NAME",
     .set = set_suite,
     .words = "bookworm",
     .help = "Debian's release (default: bookworm, which is Debian 12)"},
    {.name = "include",
     .arg = "PACKAGE,...",
     .set = set_include,
     .help = "more packages; a linux-image-... replaces linux-image-arm64"},
    {.name = "mirror",
     .arg = "URL",
     .set = set_mirror,
     .help = "where Debian comes from (default: the mirror in /etc/apt)"},
    {.name = "hostname", .arg = "NAME", .set = set_hostname, .help = "(default: debian)"},
    {.name = "user", .arg = "NAME", .set = set_user, .help = "who may log in (default: debian)"},
    {.name = "password",
     .arg = "PASSWORD",
     .set = set_password,
     .help = "of that user. Without this and --ssh-key there is none: the console lets in, the "
             "network does not"},
    {.name = "ssh-key",
     .arg = "FILE",
     .set = set_ssh_key,
     .words = "@file",
     .help = "public key that lets that user in by SSH"},

    {.group = "What is shown", .name = "quiet", .set = set_quiet, .help = "no progress"},
    {.name = "verbose", .set = set_verbose, .help = "also the console of the machine that builds"},
    {.name = NULL},
};

const struct option_set image_create_options = {
    .command = "image create",
    .usage = "[options]",
    .intro =
        "Builds a disk image with Debian for Arm (arm64), which boots on every virtual machine "
        "that keeps to the ARM VM System Specification: EFI system partition with GRUB, "
        "drivers for virtio and Xen, consoles on ttyAMA0 and hvc0, DHCP, SSH. Needs no root: "
        "apt brings the packages, and a machine of armvm's own installs them.",
    .table = table,
    .epilog = "Packages are kept in ~/.cache/armvm, or where ARMVM_CACHE says. Temporary files "
              "(about 3 GiB) go to TMPDIR, or /var/tmp. The same packages and options give the "
              "same image.\n\n"
              "Exit status: 0 the image is there, 1 the installation failed, 2 wrong usage, 3 a "
              "host or file error, 128 + N stopped by signal N.",
};

/* --- checks ----------------------------------------------------------------------------------- */

static int check_ssh_key(const char *path, struct error *err)
{
    static const char *const kinds[] = {"ssh-", "ecdsa-", "sk-ssh-", "sk-ecdsa-"};
    uint8_t *text = NULL;
    bool known = false;
    size_t size;
    int rc = file_read("--ssh-key", path, KEY_BYTES, &text, &size, err);

    if (rc)
        return rc;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        known |= !strncmp((char *)text, kinds[i], strlen(kinds[i]));
    if (strstr((char *)text, "PRIVATE KEY"))
        rc = error_set(err, -EINVAL, "--ssh-key: %s is a private key; the one in %s.pub is needed",
                       path, path);
    else if (!known)
        rc = error_set(err, -EINVAL, "--ssh-key: %s does not begin with an OpenSSH public key",
                       path);
    free(text);
    return rc;
}

/* The output's directory must be there before ten minutes of work. */
static int check_output(const struct create_config *config, struct error *err)
{
    char *copy = strdup(config->output), *slash = copy ? strrchr(copy, '/') : NULL;
    struct stat st;
    int rc = 0;

    if (slash)
        slash[1] = 0;
    if (!copy)
        rc = error_set(err, -ENOMEM, "out of memory");
    else if (stat(slash ? copy : ".", &st) < 0 || access(slash ? copy : ".", W_OK | X_OK) < 0)
        rc = error_set(err, -errno, "--output: %s: %s", slash ? copy : ".", strerror(errno));
    else if (!lstat(config->output, &st) && S_ISDIR(st.st_mode))
        rc = error_set(err, -EISDIR, "--output: %s is a directory, a file name is needed",
                       config->output);
    else if (!lstat(config->output, &st) && !S_ISREG(st.st_mode))
        rc = error_set(err, -ENOTSUP, "--output: %s is not a regular file", config->output);
    else if (!lstat(config->output, &st) && !config->force)
        rc = error_set(err, -EEXIST, "--output: %s exists; --force replaces it", config->output);
    free(copy);
    return rc;
}

static int complete_config(struct create_config *config, char *name, size_t size, struct error *err)
{
    const char *dot;

    if (config->quiet && config->verbose)
        return error_set(err, -EINVAL, "--quiet and --verbose exclude each other");
    if (!config->output) {
        snprintf(name, size, "debian-%.64s-arm64.%s", config->suite,
                 config->format == FORMAT_QCOW2 ? "qcow2" : "img");
        config->output = name;
    }
    dot = strrchr(config->output, '.');
    if (!config->format_given && dot && !strcmp(dot, ".qcow2"))
        config->format = FORMAT_QCOW2;
    return 0;
}

/* --- where things are --------------------------------------------------------------------------
 */

/* Installed, the script is in ../share/armvm; in a build directory, in share, which leads to the
 * source tree's. */
static int find_script(char *armvm, char *script, struct error *err)
{
    static const char *const places[] = {"../share/armvm/image", "share/image"};
    ssize_t n = readlink("/proc/self/exe", armvm, PATH_MAX - 1);
    char *slash;

    if (n <= 0)
        return error_set(err, -ENOENT, "/proc/self/exe: %s", strerror(errno));
    armvm[n] = 0;
    slash = strrchr(armvm, '/');
    for (unsigned i = 0; i < ARRAY_SIZE(places); i++) {
        int len =
            snprintf(script, PATH_MAX, "%.*s/%s/create.sh", (int)(slash - armvm), armvm, places[i]);
        if (len < PATH_MAX && !access(script, R_OK))
            return 0;
    }
    return error_set(err, -ENOENT,
                     "the script that builds images is not installed: no %.*s/../share/armvm/image",
                     (int)(slash - armvm), armvm);
}

static int cache_directory(char *cache, struct error *err)
{
    const char *own = getenv("ARMVM_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
               *home = getenv("HOME");
    int len;

    if (own && *own)
        len = snprintf(cache, PATH_MAX, "%s", own);
    else if (xdg && *xdg == '/')
        len = snprintf(cache, PATH_MAX, "%s/armvm", xdg);
    else if (home && *home)
        len = snprintf(cache, PATH_MAX, "%s/.cache/armvm", home);
    else
        return error_set(err, -ENOENT, "neither ARMVM_CACHE nor HOME says where packages are kept");
    return len < PATH_MAX ? 0 : error_set(err, -ENAMETOOLONG, "ARMVM_CACHE is too long");
}

/* --- running the script ------------------------------------------------------------------------
 */

static int export_config(const struct create_config *config, const char *armvm, const char *cache,
                         const char *raw)
{
    char size[24];
    const char *progress = config->quiet           ? "none"
                           : config->verbose       ? "all"
                           : isatty(STDERR_FILENO) ? "terminal"
                                                   : "lines";
    const struct {
        const char *name, *value;
    } variables[] = {
        {"IMAGE_OUT", raw},
        {"IMAGE_SIZE", size},
        {"IMAGE_SUITE", config->suite},
        {"IMAGE_HOSTNAME", config->hostname},
        {"IMAGE_USER", config->user},
        {"IMAGE_PASSWORD", config->password},
        {"IMAGE_SSH_KEY", config->ssh_key},
        {"IMAGE_INCLUDE", config->include},
        {"IMAGE_MIRROR", config->mirror},
        {"IMAGE_CACHE", cache},
        {"IMAGE_ARMVM", armvm},
        {"IMAGE_PROGRESS", progress},
    };

    snprintf(size, sizeof(size), "%llu", (unsigned long long)config->size);
    for (unsigned i = 0; i < ARRAY_SIZE(variables); i++)
        if (setenv(variables[i].name, variables[i].value ? variables[i].value : "", 1) < 0)
            return -errno;
    return 0;
}

/* Ctrl-C reaches the script by itself, as it does every process of the terminal; what ends this
 * process alone is passed on. The script cleans up and then ends. */
static int wait_for(pid_t child, const sigset_t *signals)
{
    int status, last = 0;

    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(signals, &info);
        if (number == SIGTERM || number == SIGHUP || (number == SIGINT && info.si_pid > 0))
            kill(child, number);
        if (number > 0 && number != SIGCHLD)
            last = number;
        if (waitpid(child, &status, WNOHANG) == child)
            break;
    }
    if (last)
        return 128 + last;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int run_script(const char *script, struct error *err)
{
    static const int caught[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP};
    sigset_t signals, before;
    pid_t child;
    int status;

    sigemptyset(&signals);
    for (unsigned i = 0; i < ARRAY_SIZE(caught); i++)
        sigaddset(&signals, caught[i]);
    sigprocmask(SIG_BLOCK, &signals, &before);
    child = fork();
    if (child < 0) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        error_set(err, -errno, "no process for the script: %s", strerror(errno));
        return VM_EXIT_HOST;
    }
    if (!child) {
        sigprocmask(SIG_SETMASK, &before, NULL);
        signal(SIGPIPE, SIG_DFL); /* pipelines rely on it */
        execlp("bash", "bash", script, (char *)NULL);
        fprintf(stderr, "armvm image create: needs the program bash: %s\n", strerror(errno));
        _exit(VM_EXIT_HOST);
    }
    status = wait_for(child, &signals);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* --- the command -------------------------------------------------------------------------------
 */

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm image create: %s\n", err->text);
    return status;
}

/* From the raw image to the file that was asked for; nothing else stays. */
static int finish(const struct create_config *config, const char *raw, const char *packed,
                  struct error *err)
{
    const char *from = raw;
    int rc = 0;

    if (config->format == FORMAT_QCOW2) {
        rc = qcow2_from_raw(raw, packed, err);
        from = packed;
    }
    if (!rc && rename(from, config->output) < 0)
        rc = error_set(err, -errno, "--output: %s: %s", config->output, strerror(errno));
    unlink(raw);
    unlink(packed);
    return rc;
}

static void say_done(const struct create_config *config)
{
    if (config->quiet)
        return;
    fprintf(stderr, "%s: log in as %s%s\n", config->output, config->user,
            config->password  ? ", with your password"
            : config->ssh_key ? ", with your SSH key"
                              : " at the console, no password");
}

static int build(const struct create_config *config, struct error *err)
{
    char armvm[PATH_MAX], script[PATH_MAX], cache[PATH_MAX], *raw = NULL, *packed = NULL;
    int status = VM_EXIT_HOST;

    if (find_script(armvm, script, err) || cache_directory(cache, err))
        return fail(err, VM_EXIT_HOST);
    if (asprintf(&raw, "%s.%d.new", config->output, (int)getpid()) < 0 ||
        asprintf(&packed, "%s.%d.qcow2.new", config->output, (int)getpid()) < 0 ||
        export_config(config, armvm, cache, raw) < 0) {
        error_set(err, -ENOMEM, "out of memory");
        fail(err, status);
        goto out;
    }
    err->text[0] = 0;
    status = run_script(script, err);
    if (err->text[0])
        fail(err, status);
    else if (status)
        unlink(raw); /* the script has done so, unless it was killed */
    else if (finish(config, raw, packed, err))
        status = fail(err, VM_EXIT_HOST);
    else
        say_done(config);
out:
    free(raw);
    free(packed);
    return status;
}

int command_image_create(int argc, char **argv)
{
    struct create_config config = {
        .suite = "bookworm", .hostname = "debian", .user = "debian", .size = 4ull << 30};
    struct error err = {0};
    char name[128];
    int status, rc = options_parse(&image_create_options, argc, argv, &config, &err);

    if (rc == OPTIONS_HELP) {
        options_print_help(&image_create_options, stdout);
        free(config.include);
        return 0;
    }
    if (!rc)
        rc = complete_config(&config, name, sizeof(name), &err);
    if (rc) {
        free(config.include);
        return fail(&err, VM_EXIT_USAGE);
    }
    rc = check_output(&config, &err);
    if (!rc && config.ssh_key)
        rc = check_ssh_key(config.ssh_key, &err);
    status = rc ? fail(&err, rc == -EINVAL ? VM_EXIT_USAGE : VM_EXIT_HOST) : build(&config, &err);
    free(config.include);
    return status;
}
