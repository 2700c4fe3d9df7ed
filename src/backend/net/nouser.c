/* SPDX-License-Identifier: Apache-2.0 */
/* In place of user.c where the program is built without libslirp. */
#include <errno.h>

#include "backend/net/net.h"
#include "base/error.h"

int net_user_create(struct loop *loop, const char *spec, struct net **net, struct error *err)
{
    return error_set(err, -EOPNOTSUPP,
                     "--net user: this build has no user-mode network (libslirp was not there when "
                     "it was built); --net none does without");
}
