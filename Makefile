# The front door: each target sets up what it needs, builds, and says only what matters.
# `make help` lists the targets. The build itself is CMakeLists.txt's.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
TEST_JOBS ?= 2
CTEST_ARGS ?=

# On a terminal ninja rewrites one status line; elsewhere it reports failures only.
NINJA = ninja $$(test -t 1 || echo --quiet)

.PHONY: all setup demo test bench check sanitize format install clean help
.DEFAULT_GOAL := all

all: $(BUILD)/build.ninja  ## the program, build/understudy
	@$(NINJA) -C $(BUILD) understudy

setup:  ## install what is missing (packages, MuJoCo, model files)
	@scripts/setup.sh

# Every build folder hangs on set-up, which is quick when there is nothing to do.
$(BUILD)/build.ninja: setup
	@test -f $@ || cmake --preset release -B $(BUILD) >/dev/null
build-werror/build.ninja: setup
	@test -f $@ || cmake --preset werror >/dev/null
build-sanitize/build.ninja: setup
	@test -f $@ || cmake --preset sanitize >/dev/null
build-install/build.ninja: setup
	@test -f $@ || cmake --preset install >/dev/null

demo: all  ## the whole experiment: behavioural cloning and DAgger on Ant-v5, from expert to table
	@$(BUILD)/understudy experiment --preset ant-v5

test: $(BUILD)/build.ninja  ## build and run every test
	@$(NINJA) -C $(BUILD)
	@ctest --test-dir $(BUILD) --output-on-failure -j $(TEST_JOBS) $(CTEST_ARGS)

bench: all  ## speed of each part, as a share of this machine's limits; then beside its peers
	@$(BUILD)/understudy bench
	@if test -x bench/peers.sh; then bench/peers.sh $(BUILD)/understudy; fi

check: build-werror/build.ninja  ## rooms, paths, formatting; a build with warnings as errors
	@scripts/check-rooms.sh
	@scripts/check-paths.sh
	@scripts/check-format.sh
	@$(NINJA) -C build-werror
	@echo "check: all is well"

sanitize: build-sanitize/build.ninja  ## every test under the address and undefined-behaviour sanitizers
	@$(NINJA) -C build-sanitize
	@ctest --test-dir build-sanitize --output-on-failure -j $(TEST_JOBS) $(CTEST_ARGS)

format:  ## lay out all C sources with clang-format
	@scripts/check-format.sh --fix

install: build-install/build.ninja  ## program, library, headers, models, presets, experts to PREFIX
	@$(NINJA) -C build-install understudy
	@scripts/install.sh build-install "$(DESTDIR)" "$(PREFIX)"

clean:  ## remove every build folder (runs/ and .deps/ stay)
	@rm -rf build build-werror build-sanitize build-install

help:  ## this list
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
