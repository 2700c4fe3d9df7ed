/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control sequences in what a guest prints (ECMA-48, 5.4): ESC [ parameters final, ESC ] string
 * BEL, ESC x. They are told apart from text, never interpreted.
 */
#ifndef ARMVM_BASE_ESCAPE_H
#define ARMVM_BASE_ESCAPE_H

#include <stdbool.h>

/* Where in a sequence we are. All zero: in none. */
enum escape { ESCAPE_NONE, ESCAPE_BEGUN, ESCAPE_CSI, ESCAPE_STRING };

/* Whether c belongs to no sequence. The caller sets ESCAPE_NONE at the end of a line: a sequence
 * that is broken must not swallow the rest of the output. */
bool escape_is_text(enum escape *state, unsigned char c);

#endif
