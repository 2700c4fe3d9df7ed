/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User-mode network: libslirp, which speaks TCP/IP with the guest and uses the host's sockets, on a
 * thread of its own with its own poll(). libslirp is touched by that thread only (and by the
 * creator before it starts).
 *
 * Frames from the guest are appended to a buffer that the thread swaps for an empty one, so that
 * the two hardly meet. A sender wakes the thread only when it sleeps: the thread says so before it
 * looks at the buffer a last time. Frames that the guest has no room for wait in a second buffer.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <slirp/libslirp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "backend/net/core.h"
#include "backend/net/forward.h"
#include "backend/net/merge.h"
#include "base/error.h"
#include "host/clock.h"
#include "host/thread.h"

enum { QUEUE_BYTES = 8 << 20, MAX_FRAME = 65562 };

/* Frames one behind the other, each with its description in front. */
struct frame_head {
    uint32_t len;
    struct net_offload offload;
};

struct frames {
    uint8_t *data;
    size_t begin, end, room;
};

struct timer {
    SlirpTimerCb callback;
    void *opaque;
    int64_t deadline_ms; /* INT64_MAX: not armed */
    struct timer *next;
};

struct user {
    struct net net;
    Slirp *slirp;
    struct thread *thread;
    int wake; /* eventfd */
    atomic_bool quit, sleeping, ready, merging;

    pthread_mutex_t lock; /* from_guest */
    struct frames from_guest;

    /* Held while the receiver is called: outside the device's lock. */
    pthread_mutex_t receiver_lock;
    net_receive_fn *receive;
    void *receive_ctx;

    /* The thread's. */
    struct frames taken, to_guest;
    struct merge merge;
    struct timer *timers;
    struct pollfd *fds;
    int fd_count, fd_room;
};

/* --- buffers of frames ----------------------------------------------------------------------- */

/* Room for a frame at the end, or NULL: the frame is lost, as on a full switch. */
static uint8_t *frames_append(struct frames *f, size_t len, const struct net_offload *offload)
{
    struct frame_head head = {(uint32_t)len, *offload};
    size_t need = sizeof(head) + len;
    uint8_t *at;

    if (f->end + need > QUEUE_BYTES)
        return NULL;
    if (f->end + need > f->room) {
        size_t room = f->room ? f->room : 64 << 10;
        while (room < f->end + need)
            room *= 2;
        uint8_t *grown = realloc(f->data, room);
        if (!grown)
            return NULL;
        f->data = grown;
        f->room = room;
    }
    at = f->data + f->end;
    memcpy(at, &head, sizeof(head));
    f->end += need;
    return at + sizeof(head);
}

/* The first frame, or NULL. */
static const uint8_t *frames_first(struct frames *f, struct frame_head *head)
{
    if (f->begin == f->end) {
        f->begin = f->end = 0;
        return NULL;
    }
    memcpy(head, f->data + f->begin, sizeof(*head));
    return f->data + f->begin + sizeof(*head);
}

static void frames_drop_first(struct frames *f, const struct frame_head *head)
{
    f->begin += sizeof(*head) + head->len;
}

/* --- any thread ------------------------------------------------------------------------------ */

static void wake(struct user *user)
{
    uint64_t one = 1;
    ssize_t n;

    if (!atomic_exchange(&user->sleeping, false))
        return;
    do
        n = write(user->wake, &one, sizeof(one));
    while (n < 0 && errno == EINTR);
}

static void user_send(struct net *net, const struct iovec *iov, int iovcnt)
{
    struct user *user = (struct user *)net;
    const struct net_offload none = {0};
    size_t len = 0;
    uint8_t *at;

    for (int i = 0; i < iovcnt; i++)
        len += iov[i].iov_len;
    if (len > MAX_FRAME)
        return;
    pthread_mutex_lock(&user->lock);
    at = frames_append(&user->from_guest, len, &none);
    for (int i = 0; at && i < iovcnt; i++) {
        memcpy(at, iov[i].iov_base, iov[i].iov_len);
        at += iov[i].iov_len;
    }
    pthread_mutex_unlock(&user->lock);
    wake(user);
}

static void user_set_merging(struct net *net, bool merging)
{
    atomic_store(&((struct user *)net)->merging, merging);
}

static void user_ready(struct net *net)
{
    struct user *user = (struct user *)net;

    atomic_store(&user->ready, true);
    wake(user);
}

static void user_set_receiver(struct net *net, net_receive_fn *receive, void *ctx)
{
    struct user *user = (struct user *)net;

    pthread_mutex_lock(&user->receiver_lock);
    user->receive = receive;
    user->receive_ctx = ctx;
    pthread_mutex_unlock(&user->receiver_lock);
}

/* --- libslirp's callbacks, on its thread ------------------------------------------------------ */

static bool give(struct user *user, const uint8_t *frame, size_t len,
                 const struct net_offload *offload)
{
    bool taken = true;

    pthread_mutex_lock(&user->receiver_lock);
    if (user->receive)
        taken = user->receive(user->receive_ctx, frame, len, offload);
    pthread_mutex_unlock(&user->receiver_lock);
    return taken;
}

static void give_waiting(struct user *user)
{
    struct frame_head head;
    const uint8_t *frame;

    while ((frame = frames_first(&user->to_guest, &head)) &&
           give(user, frame, head.len, &head.offload))
        frames_drop_first(&user->to_guest, &head);
}

static void give_or_keep(struct user *user, const uint8_t *frame, size_t len,
                         const struct net_offload *offload)
{
    uint8_t *at;

    if (user->to_guest.begin == user->to_guest.end && give(user, frame, len, offload))
        return;
    at = frames_append(&user->to_guest, len, offload);
    if (at)
        memcpy(at, frame, len);
}

/* Gives away what was being put together: nothing of it may wait while the thread sleeps. */
static void give_merged(struct user *user)
{
    struct net_offload offload;

    if (!user->merge.len)
        return;
    merge_finish(&user->merge, &offload);
    give_or_keep(user, user->merge.frame, user->merge.len, &offload);
    user->merge.len = 0;
}

static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
    const struct net_offload none = {0};
    struct user *user = opaque;

    if (atomic_load(&user->merging)) {
        if (merge_add(&user->merge, buf, len))
            return (ssize_t)len;
        give_merged(user);
        if (merge_add(&user->merge, buf, len))
            return (ssize_t)len;
    }
    give_merged(user);
    give_or_keep(user, buf, len, &none);
    return (ssize_t)len;
}

static void guest_error(const char *message, void *opaque)
{
}

static int64_t clock_get_ns(void *opaque)
{
    return (int64_t)host_now_ns();
}

static void *timer_new(SlirpTimerCb callback, void *callback_opaque, void *opaque)
{
    struct user *user = opaque;
    struct timer *timer = calloc(1, sizeof(*timer));

    if (!timer)
        abort(); /* libslirp has no way to be told */
    *timer = (struct timer){callback, callback_opaque, INT64_MAX, user->timers};
    user->timers = timer;
    return timer;
}

static void timer_free(void *which, void *opaque)
{
    struct user *user = opaque;

    for (struct timer **link = &user->timers; *link; link = &(*link)->next) {
        if (*link == which) {
            *link = (*link)->next;
            free(which);
            return;
        }
    }
}

static void timer_mod(void *which, int64_t deadline_ms, void *opaque)
{
    ((struct timer *)which)->deadline_ms = deadline_ms;
}

static void register_poll_fd(int fd, void *opaque)
{
}

static void notify(void *opaque)
{
    wake(opaque);
}

static const SlirpCb callbacks = {
    .send_packet = send_packet,
    .guest_error = guest_error,
    .clock_get_ns = clock_get_ns,
    .timer_new = timer_new,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = register_poll_fd,
    .unregister_poll_fd = register_poll_fd,
    .notify = notify,
};

/* --- the thread ------------------------------------------------------------------------------ */

static int add_poll(int fd, int events, void *opaque)
{
    struct user *user = opaque;
    short want = 0;

    if (user->fd_count == user->fd_room) {
        int room = user->fd_room ? 2 * user->fd_room : 64;
        struct pollfd *grown = realloc(user->fds, (size_t)room * sizeof(*grown));
        if (!grown)
            return -1;
        user->fds = grown;
        user->fd_room = room;
    }
    if (events & SLIRP_POLL_IN)
        want |= POLLIN;
    if (events & SLIRP_POLL_OUT)
        want |= POLLOUT;
    if (events & SLIRP_POLL_PRI)
        want |= POLLPRI;
    user->fds[user->fd_count] = (struct pollfd){.fd = fd, .events = want};
    return user->fd_count++;
}

static int get_revents(int index, void *opaque)
{
    struct user *user = opaque;
    short got;

    if (index < 0 || index >= user->fd_count)
        return 0;
    got = user->fds[index].revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

/* What the guest sent so far. */
static void take_frames(struct user *user)
{
    struct frames empty = user->taken;
    struct frame_head head;
    const uint8_t *frame;

    pthread_mutex_lock(&user->lock);
    user->taken = user->from_guest;
    user->from_guest = empty;
    pthread_mutex_unlock(&user->lock);
    while ((frame = frames_first(&user->taken, &head))) {
        slirp_input(user->slirp, frame, (int)head.len);
        frames_drop_first(&user->taken, &head);
    }
}

static bool more_frames(struct user *user)
{
    bool more;

    pthread_mutex_lock(&user->lock);
    more = user->from_guest.begin != user->from_guest.end;
    pthread_mutex_unlock(&user->lock);
    return more;
}

static void run_timers(struct user *user)
{
    int64_t now = (int64_t)(host_now_ns() / 1000000);

    for (struct timer *timer = user->timers; timer; timer = timer->next) {
        if (timer->deadline_ms <= now) {
            timer->deadline_ms = INT64_MAX;
            timer->callback(timer->opaque);
        }
    }
}

/* Milliseconds until something is due, at most limit; -1 for ever. */
static int poll_timeout(const struct user *user, uint32_t limit)
{
    int64_t now = (int64_t)(host_now_ns() / 1000000), least = INT64_MAX;

    if (limit != UINT32_MAX)
        least = limit;
    for (const struct timer *timer = user->timers; timer; timer = timer->next)
        if (timer->deadline_ms != INT64_MAX && timer->deadline_ms - now < least)
            least = timer->deadline_ms > now ? timer->deadline_ms - now : 0;
    return least == INT64_MAX ? -1 : least > 60000 ? 60000 : (int)least;
}

static void wait_for_events(struct user *user)
{
    uint32_t limit = UINT32_MAX;
    uint64_t count;
    int n, timeout;

    user->fd_count = 0;
    add_poll(user->wake, SLIRP_POLL_IN, user);
    slirp_pollfds_fill(user->slirp, &limit, add_poll, user);
    timeout = poll_timeout(user, limit);

    /* From here on whoever has something for us writes to the eventfd. */
    atomic_store(&user->sleeping, true);
    if (more_frames(user) || atomic_load(&user->ready) || atomic_load(&user->quit))
        timeout = 0;
    n = poll(user->fds, (nfds_t)user->fd_count, timeout);
    atomic_store(&user->sleeping, false);
    if (n > 0 && user->fds[0].revents && read(user->wake, &count, sizeof(count)) < 0)
        user->fds[0].revents = 0; /* somebody else's wake-up: nothing to clear */
    slirp_pollfds_poll(user->slirp, n < 0, get_revents, user);
}

static void run(void *ctx)
{
    struct user *user = ctx;

    while (!atomic_load(&user->quit)) {
        take_frames(user);
        if (atomic_exchange(&user->ready, false))
            give_waiting(user);
        give_merged(user);
        wait_for_events(user);
        run_timers(user);
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void user_destroy(struct net *net)
{
    struct user *user = (struct user *)net;

    atomic_store(&user->quit, true);
    wake(user);
    thread_join(user->thread);
    if (user->slirp)
        slirp_cleanup(user->slirp);
    while (user->timers)
        timer_free(user->timers, user);
    if (user->wake >= 0)
        close(user->wake);
    pthread_mutex_destroy(&user->receiver_lock);
    pthread_mutex_destroy(&user->lock);
    free(user->from_guest.data);
    free(user->to_guest.data);
    free(user->taken.data);
    free(user->fds);
    free(user);
}

static const struct net_ops user_ops = {
    .destroy = user_destroy,
    .set_receiver = user_set_receiver,
    .send = user_send,
    .set_merging = user_set_merging,
    .ready = user_ready,
};

static int add_forward(struct user *user, const struct user_forward *f, struct error *err)
{
    errno = 0;
    if (!slirp_add_hostfwd(user->slirp, f->udp, f->host, (int)f->host_port, f->guest,
                           (int)f->guest_port))
        return 0;
    int code = errno ? errno : EIO;
    if (code == EADDRINUSE)
        return error_set(err, -code,
                         "--net user,hostfwd=%s: port %u is in use on the host; choose another",
                         f->text, f->host_port);
    if (code == EACCES)
        return error_set(err, -code,
                         "--net user,hostfwd=%s: no permission to listen on port %u; choose one "
                         "above 1023",
                         f->text, f->host_port);
    return error_set(err, -code, "--net user,hostfwd=%s: cannot listen: %s", f->text,
                     strerror(code));
}

static Slirp *start_slirp(struct user *user, bool restricted)
{
    SlirpConfig config = {
        .version = 3,
        .restricted = restricted,
        .in_enabled = true,
        .vnetwork.s_addr = htonl(0x0a000200),
        .vnetmask.s_addr = htonl(0xffffff00),
        .vhost.s_addr = htonl(0x0a000202),
        .vdhcp_start.s_addr = htonl(0x0a00020f),
        .vnameserver.s_addr = htonl(0x0a000203),
        .in6_enabled = true,
        .vprefix_len = 64,
        .vhostname = "armvm",
    };

    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    return slirp_new(&config, &callbacks, user);
}

int net_user_create(struct loop *loop, const char *spec, struct net **net, struct error *err)
{
    struct user_options options;
    struct user *user;
    int r = user_parse(spec, &options, err);

    if (r)
        return r;
    user = calloc(1, sizeof(*user));
    if (!user)
        return error_set(err, -ENOMEM, "--net user: out of memory");
    user->net.ops = &user_ops;
    pthread_mutex_init(&user->lock, NULL);
    pthread_mutex_init(&user->receiver_lock, NULL);
    user->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (user->wake < 0)
        r = error_set(err, -errno, "--net user: cannot create an eventfd: %s", strerror(errno));
    if (!r) {
        user->slirp = start_slirp(user, options.restricted);
        if (!user->slirp)
            r = error_set(err, -EIO, "--net user: libslirp does not start");
    }
    for (unsigned i = 0; !r && i < options.forwards; i++)
        r = add_forward(user, &options.forward[i], err);
    if (!r)
        r = thread_create(&user->thread, "net", run, user, err);
    if (r) {
        user_destroy(&user->net);
        return r;
    }
    *net = &user->net;
    return 0;
}
