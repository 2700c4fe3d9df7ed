/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the probe says, out of everything that a machine prints: lines of TAP for a report, and
 * where the run is. Firmware's own output, control sequences and repetitions (several consoles may
 * print the same) are left out. Nothing of it is trusted.
 */
#ifndef ARMVM_CHECK_VM_LISTEN_H
#define ARMVM_CHECK_VM_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/escape.h"

struct report;

enum listen_event {
    LISTEN_NOTHING,
    LISTEN_BOOT,      /* the probe has started; listen->boot says which boot of the run */
    LISTEN_TYPE,      /* listen->text is to be typed */
    LISTEN_POWER_OFF, /* it switches the power off and wants to be started again */
    LISTEN_END,       /* it switches the power off and is done */
    LISTEN_BAIL,      /* listen->text says why it cannot go on */
    LISTEN_LOST,      /* the run began anew after a reset: variables do not last */
};

enum { LISTEN_LINE = 1024, LISTEN_BOOTS = 4 };

struct listen {
    struct report *report;
    unsigned boot;   /* 0: not started yet */
    unsigned number; /* of the last result of this boot */
    bool follows;    /* the last result was taken, and so are the lines that explain it */
    bool reset;      /* a reset or the power off was announced */
    bool typed;      /* in this boot */
    bool replayed;   /* the boot's own line has come twice */
    enum escape escape;
    size_t len;
    char line[LISTEN_LINE];
    char text[LISTEN_LINE]; /* of the last event */
    char last[160];         /* the last line that was not empty */
};

void listen_init(struct listen *listen, struct report *report);
/* One character; the event that its line ends with. */
enum listen_event listen_feed(struct listen *listen, unsigned char c);

#endif
