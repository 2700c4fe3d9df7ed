/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/login.h"

#include <errno.h>
#include <glob.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/blk/blk.h"
#include "backend/net/net.h"
#include "base/error.h"
#include "host/file.h"
#include "vm/config.h"
#include "vm/seed.h"

enum { FIRST_PORT = 2222, PORTS = 50, KEY_FILE_MAX = 64 << 10 };

/* --- keys ------------------------------------------------------------------------------------ */

struct keys {
    uint8_t *text[SEED_MAX_KEYS]; /* files' contents; the seed's keys point into them */
    unsigned files;
    struct seed_config *seed;
};

static void free_keys(struct keys *keys)
{
    for (unsigned i = 0; i < keys->files; i++)
        free(keys->text[i]);
}

/* The lines of a file of public keys. */
static int add_key_file(struct keys *keys, const char *path, struct error *err)
{
    uint8_t *text;
    size_t size;
    int rc;

    if (keys->files == SEED_MAX_KEYS)
        return error_set(err, -E2BIG, "--ssh-key: more than %d files", SEED_MAX_KEYS);
    rc = file_read("--ssh-key", path, KEY_FILE_MAX, &text, &size, err);
    if (rc)
        return rc;
    keys->text[keys->files++] = text;
    if (strstr((char *)text, "PRIVATE KEY"))
        return error_set(err, -EINVAL,
                         "--ssh-key: %s is a private key; name the public one: %s.pub", path, path);
    for (char *cursor = (char *)text, *line; (line = strsep(&cursor, "\r\n"));) {
        line += strspn(line, " \t");
        if (!*line || *line == '#')
            continue;
        if (!strstr(line, "ssh-") && !strstr(line, "ecdsa-")) /* behind options, maybe */
            return error_set(err, -EINVAL, "--ssh-key: %s does not hold public keys of OpenSSH",
                             path);
        if (keys->seed->key_count == SEED_MAX_KEYS)
            return error_set(err, -E2BIG, "--ssh-key: more than %d keys", SEED_MAX_KEYS);
        keys->seed->keys[keys->seed->key_count++] = line;
    }
    return 0;
}

static int find_own_keys(glob_t *found)
{
    const char *home = getenv("HOME");
    char pattern[4096];

    if (!home || snprintf(pattern, sizeof(pattern), "%s/.ssh/*.pub", home) >= (int)sizeof(pattern))
        return -ENOENT;
    return glob(pattern, 0, NULL, found) ? -ENOENT : 0;
}

/* The user's own: ~/.ssh/NAME.pub. Certificates are not for authorized_keys. */
static int add_own_keys(struct keys *keys, struct error *err)
{
    glob_t found;
    int rc = 0;

    if (find_own_keys(&found))
        return 0;
    for (size_t i = 0; i < found.gl_pathc && !rc; i++) {
        const char *path = found.gl_pathv[i], *cert = strstr(path, "-cert.pub");
        if (!cert || cert[strlen("-cert.pub")])
            rc = add_key_file(keys, path, err);
    }
    globfree(&found);
    return rc;
}

static int collect_keys(const struct vm_config *config, struct keys *keys, struct error *err)
{
    int rc = 0;

    for (unsigned i = 0; i < config->ssh_keys && !rc; i++)
        rc = add_key_file(keys, config->ssh_key[i], err);
    if (!rc && !config->ssh_keys)
        rc = add_own_keys(keys, err);
    if (!rc && !keys->seed->key_count)
        rc = error_set(err, -ENOENT,
                       "there is no public key in ~/.ssh for the guest to let you in by; make one "
                       "with ssh-keygen, or name one with --ssh-key FILE");
    return rc;
}

/* --- the seed -------------------------------------------------------------------------------- */

static bool is_cloud_image(const struct vm_config *config)
{
    const char *path = config->image ? config->disk[0].path : "";
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    return strcasestr(name, "cloud");
}

bool login_wanted(const struct vm_config *config)
{
    glob_t found;

    if (config->user || config->ssh_keys)
        return true;
    if (!is_cloud_image(config) || find_own_keys(&found))
        return false;
    globfree(&found);
    return true;
}

/* --user, or the user's name on the host, unless that is no name for a guest's user. */
static void choose_user(const struct vm_config *config, struct login *login)
{
    const struct passwd *passwd = getpwuid(getuid());
    const char *user = config->user;

    if (!user && passwd && getuid() && !seed_check_user(passwd->pw_name, NULL))
        user = passwd->pw_name;
    snprintf(login->user, sizeof(login->user), "%s", user ? user : "user");
}

static int open_image(const uint8_t *image, size_t size, struct blk **seed, struct error *err)
{
    char path[40];
    int fd = file_anonymous("armvm-seed", image, size), rc;

    if (fd < 0)
        return error_set(err, fd, "cloud-init's seed: %s", strerror(-fd));
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = blk_open(&(struct blk_config){.path = path, .readonly = true, .format = "raw"}, seed, err);
    close(fd);
    return rc;
}

int login_open_seed(const struct vm_config *config, struct login *login, struct blk **seed,
                    struct error *err)
{
    struct seed_config seed_config = {.user = login->user};
    struct keys keys = {.seed = &seed_config};
    uint8_t *image = NULL;
    size_t size;
    int rc = collect_keys(config, &keys, err);

    choose_user(config, login);
    if (!rc)
        rc = seed_build(&seed_config, &image, &size, err);
    if (!rc)
        rc = open_image(image, size, seed, err);
    login->keys = seed_config.key_count;
    free(image);
    free_keys(&keys);
    return rc;
}

/* --- the network ----------------------------------------------------------------------------- */

int login_open_net(struct loop *loop, struct login *login, struct net **net, struct error *err)
{
    int rc = -EADDRINUSE;

    for (unsigned port = FIRST_PORT; rc == -EADDRINUSE && port < FIRST_PORT + PORTS; port++) {
        char spec[40];
        snprintf(spec, sizeof(spec), "hostfwd=tcp:%u:22", port);
        rc = net_user_create(loop, spec, net, err);
        login->ssh_port = rc ? 0 : port;
    }
    /* Many machines run here: this one goes without the port. */
    return rc == -EADDRINUSE ? net_user_create(loop, "", net, err) : rc;
}
