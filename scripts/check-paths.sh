#!/bin/sh
# Fails where a tracked file names a place on somebody's machine.
set -eu
cd "$(dirname "$0")/.."

# The pattern is put together so that this file does not match itself.
pattern="/(home|root|Users|workspace|work)""/[A-Za-z0-9_.-]+"
# Licences and mathematics are prose; weights and pictures are not text (-I).
if git grep --untracked -nIE "(^|[^A-Za-z0-9_.}-])$pattern" -- . ':!LICENSE' ':!THIRD_PARTY.md'; then
    echo "error: absolute paths of a machine (see above); use a path relative to the repository" >&2
    exit 1
fi
