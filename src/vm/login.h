/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a user gets into a guest that came as an image: a port of the host that leads to the guest's
 * SSH server, and for cloud images, which know no user yet, a seed that tells cloud-init of one.
 */
#ifndef ARMVM_VM_LOGIN_H
#define ARMVM_VM_LOGIN_H

#include <stdbool.h>

struct blk;
struct error;
struct loop;
struct net;
struct vm_config;

struct login {
    unsigned ssh_port; /* of the host, on 127.0.0.1; 0: none is forwarded */
    char user[33];     /* whom the seed makes; empty: there is no seed */
    unsigned keys;
};

/* Whether the guest gets a seed: --user or --ssh-key was said, or the image looks like a cloud
 * image by its name and there is a public key to give it. */
bool login_wanted(const struct vm_config *config);

/* The seed as a disk, which is the caller's then. One line when there is no key. */
int login_open_seed(const struct vm_config *config, struct login *login, struct blk **seed,
                    struct error *err);

/* The network that an image gets without --net: user mode, the first free port from 2222 on
 * forwarded to the guest's port 22. */
int login_open_net(struct loop *loop, struct login *login, struct net **net, struct error *err);

#endif
