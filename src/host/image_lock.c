/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QEMU's locks are shared locks (open file description locks) of single bytes, which may lie
 * behind the file's end: one for each right that somebody uses, one for each that somebody does not
 * grant to others. Who comes sets his own and then looks whether they meet anybody's opposite. Two
 * who come at once may both be refused; nobody is let in wrongly.
 */
#include "host/image_lock.h"

#include <errno.h>
#include <fcntl.h>

enum { READ_CONSISTENTLY, WRITE, WRITE_SAME, RESIZE, RIGHTS };
enum { USED = 100, REFUSED = 200 }; /* the first byte of each kind */

static int fcntl_byte(int fd, int command, short type, unsigned byte, struct flock *lock)
{
    *lock =
        (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)byte, .l_len = 1};
    return fcntl(fd, command, lock);
}

/* 1: set, 0: there are no locks here. */
static int hold(int fd, unsigned byte)
{
    struct flock lock;

    if (!fcntl_byte(fd, F_OFD_SETLK, F_RDLCK, byte, &lock))
        return 1;
    return errno == EAGAIN || errno == EACCES ? -EBUSY : 0;
}

static bool held_by_another(int fd, unsigned byte)
{
    struct flock lock;

    return !fcntl_byte(fd, F_OFD_GETLK, F_WRLCK, byte, &lock) && lock.l_type != F_UNLCK;
}

int host_image_lock(int fd, bool writer)
{
    const bool uses[RIGHTS] = {[READ_CONSISTENTLY] = true, [WRITE] = writer, [RESIZE] = writer};
    const bool refuses[RIGHTS] = {[WRITE] = true, [RESIZE] = true};
    int rc = 1;

    for (unsigned right = 0; right < RIGHTS && rc > 0; right++) {
        if (uses[right])
            rc = hold(fd, USED + right);
        if (refuses[right] && rc > 0)
            rc = hold(fd, REFUSED + right);
    }
    for (unsigned right = 0; right < RIGHTS && rc > 0; right++)
        if ((uses[right] && held_by_another(fd, REFUSED + right)) ||
            (refuses[right] && held_by_another(fd, USED + right)))
            rc = -EBUSY;
    return rc < 0 ? rc : 0;
}
