#!/bin/sh
# Fails where clang-format would lay out a C file otherwise; --fix lays them out.
# Where clang-format is not installed the check is left out, and said.
set -eu
cd "$(dirname "$0")/.."

if ! command -v clang-format >/dev/null; then
    echo "note: clang-format is not installed, so formatting is not checked" >&2
    exit 0
fi
# Several versions lay out differently; the project's is Debian 12's.
case $(clang-format --version) in
*"version 14."*) ;;
*) if [ "${1:-}" != --fix ]; then
       echo "note: formatting is checked with clang-format 14; this is $(clang-format --version)" >&2
       exit 0
   fi ;;
esac

files=$(find include src tests bench examples python -type f \( -name '*.c' -o -name '*.h' \) ! -path 'tests/data/*')
[ -n "$files" ] || exit 0
if [ "${1:-}" = --fix ]; then
    # shellcheck disable=SC2086  # no spaces in our file names
    clang-format -i $files
else
    # shellcheck disable=SC2086
    clang-format --dry-run --Werror $files
fi
