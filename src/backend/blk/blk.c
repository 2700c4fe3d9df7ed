/* SPDX-License-Identifier: Apache-2.0 */
/* Carrying requests to an image's format, at once or on other threads. */
#include "backend/blk/blk.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blk/image.h"
#include "backend/blk/pool.h"
#include "base/error.h"

enum { INLINE_BYTES = 128 << 10 /* what a submitting thread may copy itself */ };

struct blk {
    struct image *image;
    struct pool *pool;
    bool readonly; /* for the guest */
};

/* -EINVAL, -EROFS, or 0 when the request can be carried out. */
static int check(const struct blk *blk, const struct blk_request *request)
{
    bool transfer = request->op == BLK_READ || request->op == BLK_WRITE;

    if (request->op == BLK_FLUSH)
        return 0;
    if (request->offset > blk->image->size || request->len > blk->image->size - request->offset)
        return -EINVAL;
    if (transfer && (request->iovcnt < 0 || request->iovcnt > IOV_MAX ||
                     iov_bytes(request->iov, request->iovcnt) != request->len))
        return -EINVAL;
    return blk->readonly && request->op != BLK_READ ? -EROFS : 0;
}

static int perform(struct blk *blk, const struct blk_request *request)
{
    struct image *image = blk->image;
    int r = check(blk, request);

    if (r)
        return r;
    switch (request->op) {
    case BLK_READ:
        return image->ops->read(image, request->offset, request->iov, request->iovcnt);
    case BLK_WRITE:
        return image->ops->write(image, request->offset, request->iov, request->iovcnt);
    case BLK_FLUSH:
        return image->ops->flush(image);
    case BLK_DISCARD:
        return image->ops->discard(image, request->offset, request->len);
    case BLK_WRITE_ZEROES:
        return image->ops->zero(image, request->offset, request->len, request->unmap);
    }
    return -EINVAL;
}

static void work(void *ctx, struct blk_request *request)
{
    request->done(request, perform(ctx, request));
}

int blk_open(const struct blk_config *config, struct blk **out, struct error *err)
{
    struct blk *blk = calloc(1, sizeof(*blk));
    int r;

    if (!blk)
        return error_set(err, -ENOMEM, "%s: out of memory", config->path);
    blk->readonly = config->readonly;
    r = image_open(config, &blk->image, err);
    if (r) {
        free(blk);
        return r;
    }
    r = pool_create(&blk->pool, work, blk);
    if (r) {
        blk->image->ops->close(blk->image);
        free(blk);
        return error_set(err, r, "%s: cannot start a thread for it: %s", config->path,
                         strerror(-r));
    }
    *out = blk;
    return 0;
}

void blk_close(struct blk *blk)
{
    if (!blk)
        return;
    pool_destroy(blk->pool);
    if (!blk->readonly)
        blk->image->ops->flush(blk->image);
    blk->image->ops->close(blk->image);
    free(blk);
}

uint64_t blk_size(const struct blk *blk)
{
    return blk->image->size;
}

bool blk_readonly(const struct blk *blk)
{
    return blk->readonly;
}

uint64_t blk_next_data(struct blk *blk, uint64_t offset)
{
    struct image *image = blk->image;

    if (offset >= image->size)
        return image->size;
    return image->ops->next_data ? image->ops->next_data(image, offset) : offset;
}

void blk_submit(struct blk *blk, struct blk_request *request)
{
    const struct image_ops *ops = blk->image->ops;
    int r = check(blk, request);

    if (!request->background) {
        if (r || (request->op == BLK_FLUSH && blk->readonly)) {
            request->done(request, r);
            return;
        }
        if (request->op == BLK_READ && request->len <= INLINE_BYTES &&
            !ops->read_now(blk->image, request->offset, request->iov, request->iovcnt)) {
            request->done(request, 0);
            return;
        }
    }
    pool_put(blk->pool, request);
}
