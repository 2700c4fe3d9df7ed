/* SPDX-License-Identifier: Apache-2.0 */
/* "--net user,..." in words: port forwards and restrict. Without an address the host's end listens
 * on 127.0.0.1 only: a guest's services are the world's business when the user says so. */
#include "backend/net/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int bad(struct error *err, const char *text, const char *why)
{
    return error_set(err, -EINVAL,
                     "--net user,hostfwd=%s: %s; write hostfwd=tcp:HOSTPORT:GUESTPORT or "
                     "hostfwd=tcp:ADDRESS:HOSTPORT:GUESTPORT",
                     text, why);
}

static bool parse_port(const char *text, unsigned *port)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);

    *port = (unsigned)n;
    return *text >= '0' && *text <= '9' && !*end && n > 0 && n < 65536;
}

/* text: "tcp:..." up to the end. */
static int parse_forward(const char *text, struct user_forward *f, struct error *err)
{
    char copy[sizeof(f->text)], *part[6], *cursor = copy;
    unsigned parts = 0;

    if (strlen(text) >= sizeof(copy))
        return bad(err, text, "it is too long");
    strcpy(copy, text);
    strcpy(f->text, text);
    if (strchr(text, '['))
        return bad(err, text, "only IPv4 addresses can be forwarded");
    while (cursor && parts < 6)
        part[parts++] = strsep(&cursor, ":");

    if (strcmp(part[0], "tcp") && strcmp(part[0], "udp"))
        return bad(err, text, "it begins with neither tcp: nor udp:");
    if (parts < 3 || parts > 5 || cursor)
        return bad(err, text, "it needs a host's and a guest's port");
    f->udp = part[0][0] == 'u';
    f->host.s_addr = htonl(INADDR_LOOPBACK);
    f->guest.s_addr = htonl(0x0a00020f); /* 10.0.2.15 */

    unsigned at = 1;
    if (parts >= 4) {
        if (*part[at] && inet_pton(AF_INET, part[at], &f->host) != 1)
            return bad(err, text, "the host's address is not an IPv4 address");
        at++;
    }
    if (!parse_port(part[at++], &f->host_port))
        return bad(err, text, "the host's port is not a number from 1 to 65535");
    if (parts == 5 && *part[at] && inet_pton(AF_INET, part[at], &f->guest) != 1)
        return bad(err, text, "the guest's address is not an IPv4 address");
    at += parts == 5;
    if (!parse_port(part[at], &f->guest_port))
        return bad(err, text, "the guest's port is not a number from 1 to 65535");
    return 0;
}

static int parse_item(const char *item, struct user_options *options, struct error *err)
{
    if (!strncmp(item, "hostfwd=", 8)) {
        if (options->forwards == USER_MAX_FORWARDS)
            return error_set(err, -EINVAL, "--net user: more than %d hostfwd", USER_MAX_FORWARDS);
        return parse_forward(item + 8, &options->forward[options->forwards++], err);
    }
    if (!strcmp(item, "restrict=on") || !strcmp(item, "restrict=off")) {
        options->restricted = !strcmp(item + 9, "on");
        return 0;
    }
    return error_set(err, -EINVAL,
                     "--net user: '%s' is not known; there are hostfwd= and restrict=", item);
}

int user_parse(const char *spec, struct user_options *options, struct error *err)
{
    char *copy, *cursor;
    int r = 0;

    memset(options, 0, sizeof(*options));
    if (!spec || !*spec)
        return 0;
    cursor = copy = strdup(spec);
    if (!copy)
        return error_set(err, -ENOMEM, "out of memory");
    while (!r && cursor)
        r = parse_item(strsep(&cursor, ","), options, err);
    free(copy);
    return r;
}
