# SPDX-License-Identifier: Apache-2.0
#
# The front door; Meson does the work. `make demo` and `make check` are enough for a first look:
# whatever is missing on the machine is installed by `make deps` first.

BUILD   ?= build
CC      ?= gcc
JOBS    ?= $(shell nproc)
PREFIX  ?= /usr/local

.PHONY: all deps demo demo-kernel check check-asan check-ubsan check-tsan check-guest check-long \
        check-insn check-insn-long coverage check-clang fuzz bench bench-quick format lint install clean help

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD) -j $(JOBS)

help:
	@echo 'make            build/armvm'
	@echo 'make demo       build a Debian image and boot it to login (scripted without a terminal)'
	@echo 'make demo-kernel   boot Debian'"'"'s arm64 kernel directly to a shell'
	@echo 'make check      all tests: unit, instructions, devices, guest boots'
	@echo 'make check-insn    the instruction tests among them;  make check-insn-long: for half an hour'
	@echo 'make coverage   writes docs/a64-coverage.md: which encodings are implemented'
	@echo 'make check-asan, check-ubsan, check-tsan   the tests under a sanitizer'
	@echo 'make check-clang   build and unit tests with clang'
	@echo 'make bench      side by side with QEMU;  make bench-quick: fewer runs;'
	@echo '                BENCH="GROUP... OPTION..." chooses, see docs/bench.md'
	@echo 'make fuzz       the fuzzers, a minute each'
	@echo 'make format, lint   clang-format; the style, dependency and globals checks'
	@echo 'make deps       install what is missing (apt, with sudo where not root)'
	@echo 'make install    to PREFIX ($(PREFIX))'

deps:
	@tools/deps.sh build test

# Everything needs the build directory, and that needs the dependencies.
$(BUILD)/build.ninja: | have-build-deps
	@CC=$(CC) meson setup $(BUILD) --prefix=$(PREFIX) >$(BUILD).log 2>&1 || \
	    { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

.PHONY: have-build-deps have-test-deps
have-build-deps:
	@tools/deps.sh build
have-test-deps:
	@tools/deps.sh build test
	@[ ! -f $(BUILD)/build.ninja ] || meson introspect --tests $(BUILD) | grep -q '"name"' || \
	    meson setup --reconfigure $(BUILD) >/dev/null

demo: all
	@tools/guest/demo.sh $(BUILD)/armvm

demo-kernel: all
	@tools/guest/demo-kernel.sh $(BUILD)/armvm

check: have-test-deps lint all
	@tools/check.sh $(BUILD)

check-guest: have-test-deps all
	@tests/guest/boots.sh $(BUILD)/armvm

check-insn: have-test-deps all
	@tools/check-insn.sh $(BUILD)

check-insn-long: have-test-deps all
	@tools/check-insn.sh $(BUILD) long

coverage: have-test-deps all
	@$(BUILD)/tests/insn/a64_coverage --words 0 --write docs/a64-coverage.md

check-asan check-ubsan check-tsan: have-test-deps
	@tools/check-sanitizer.sh $(@:check-%=%)

check-clang: have-test-deps
	@tools/check-clang.sh

check-long: have-test-deps all
	@tests/guest/long.sh $(BUILD)/armvm

fuzz: have-test-deps
	@tools/fuzz.sh

bench: all
	@tools/deps.sh bench image
	@bench/bench.sh $(BUILD)/armvm $(BENCH)

bench-quick: all
	@tools/deps.sh bench image
	@bench/bench.sh $(BUILD)/armvm --quick $(BENCH)

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

lint:
	@python3 tools/check_deps.py
	@python3 tools/check_globals.py
	@python3 tools/check_style.py

install: all
	@meson install -C $(BUILD) --quiet

clean:
	@rm -rf $(BUILD) build-*
