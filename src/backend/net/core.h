/* SPDX-License-Identifier: Apache-2.0 */
/* What a network back end implements (net.h says what each function promises). A back end is a
 * private struct with struct net first. Internal to backend/net and to tests. */
#ifndef ARMVM_BACKEND_NET_CORE_H
#define ARMVM_BACKEND_NET_CORE_H

#include "backend/net/net.h"

struct net_ops {
    void (*destroy)(struct net *net);
    void (*set_receiver)(struct net *net, net_receive_fn *receive, void *ctx);
    void (*send)(struct net *net, const struct iovec *iov, int iovcnt);
    void (*set_merging)(struct net *net, bool merging);
    void (*ready)(struct net *net);
};

struct net {
    const struct net_ops *ops;
};

#endif
