/* SPDX-License-Identifier: Apache-2.0 */
/* Parses the options of "--net user". Internal to backend/net. */
#ifndef ARMVM_BACKEND_NET_FORWARD_H
#define ARMVM_BACKEND_NET_FORWARD_H

#include <netinet/in.h>
#include <stdbool.h>

struct error;

enum { USER_MAX_FORWARDS = 32 };

/* A host port that leads to a guest's. Addresses and ports in network and host order. */
struct user_forward {
    bool udp;
    struct in_addr host, guest;
    unsigned host_port, guest_port;
    char text[64]; /* as the user wrote it */
};

struct user_options {
    bool restricted; /* the guest reaches nobody but the host's services for it */
    unsigned forwards;
    struct user_forward forward[USER_MAX_FORWARDS];
};

/* spec: "hostfwd=tcp:[ADDRESS:]PORT:[ADDRESS:]PORT,restrict=on"...; may be NULL or empty. */
int user_parse(const char *spec, struct user_options *options, struct error *err);

#endif
