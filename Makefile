# The front door: each target sets up what it needs, builds, and says only what matters.
# `make help` lists the targets. The build itself is CMakeLists.txt's.
BUILD ?= build
PREFIX ?= /usr/local
DESTDIR ?=
TEST_JOBS ?= 2
CTEST_ARGS ?=

# On a terminal ninja rewrites one status line; elsewhere it reports failures only.
NINJA = ninja $$(test -t 1 || echo --quiet)

.PHONY: all setup demo test bench check sanitize format install uninstall package wheel docs clean help
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

demo: all  ## the whole experiment: behavioural cloning and DAgger on Ant-v5, from expert to table
	@$(BUILD)/understudy experiment --preset ant-v5

test: $(BUILD)/build.ninja  ## build and run every test
	@scripts/setup.sh tests
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

install: $(BUILD)/build.ninja  ## program, libraries, headers, manual, completion, data to PREFIX
	@$(NINJA) -C $(BUILD) installable
	@scripts/install.sh $(BUILD) "$(DESTDIR)" "$(PREFIX)"

uninstall:  ## remove from PREFIX what make install put there
	@scripts/uninstall.sh "$(DESTDIR)" "$(PREFIX)"

package: $(BUILD)/build.ninja  ## a Debian package, build/understudy_VERSION_amd64.deb
	@$(NINJA) -C $(BUILD) installable
	@cd $(BUILD) && cpack --config CPackConfig.cmake >cpack.log 2>&1 || { tail -n 20 cpack.log >&2; exit 1; }
	@ls $(BUILD)/understudy_*.deb

wheel: $(BUILD)/build.ninja  ## the Python package, build/dist/understudy-VERSION-...whl
	@$(NINJA) -C $(BUILD) understudy_python
	@scripts/make-wheel.sh $(BUILD)

docs:  ## the library's reference from its headers, docs below the build folder (Doxygen)
	@scripts/make-docs.sh $(BUILD)/docs || test $$? -eq 77

clean:  ## remove every build folder (runs/ and .deps/ stay)
	@rm -rf build build-werror build-sanitize

help:  ## this list
	@awk -F ':[^#]*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
