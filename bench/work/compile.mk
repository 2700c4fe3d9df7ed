# SPDX-License-Identifier: Apache-2.0
# Some of our own sources, compiled in the current directory.
objects := sieve.o sort.o hash.o lists.o
all: $(objects)
%.o: $(FROM)/%.c
	@gcc -O2 -c -o $@ $<
