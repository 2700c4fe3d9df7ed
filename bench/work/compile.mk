# SPDX-License-Identifier: Apache-2.0
# Some of our own sources, compiled in the current directory; none takes much longer than the others, so
# that two jobs at a time are busy to the end.
objects := bits.o calls.o fp.o hash.o interpreter.o mix.o sieve.o sort.o strings.o system_calls.o
all: $(objects)
%.o: $(FROM)/%.c
	@gcc -O2 -c -o $@ $<
