/* SPDX-License-Identifier: Apache-2.0 */
#include "backend/net/core.h"

void net_destroy(struct net *net)
{
    if (net)
        net->ops->destroy(net);
}

void net_set_receiver(struct net *net, net_receive_fn *receive, void *ctx)
{
    net->ops->set_receiver(net, receive, ctx);
}

void net_send(struct net *net, const struct iovec *iov, int iovcnt)
{
    net->ops->send(net, iov, iovcnt);
}

void net_set_merging(struct net *net, bool merging)
{
    net->ops->set_merging(net, merging);
}

void net_ready(struct net *net)
{
    net->ops->ready(net);
}
