#!/bin/sh
# make-docs.sh FOLDER: the library's reference as HTML, from the headers, by Doxygen. Fails at a
# warning. Without Doxygen it says so and exits with 77.
set -eu
case $1 in /*) out=$1 ;; *) out=$PWD/$1 ;; esac
cd "$(dirname "$0")/.."

if ! command -v doxygen >/dev/null; then
    echo "SKIPPED: doxygen is not installed (Debian: apt-get install doxygen), so there is no reference"
    exit 77
fi
rm -rf "$out"
mkdir -p "$out"
version=$(sed -n 's/^#define UDY_VERSION "\(.*\)"/\1/p' include/understudy/base.h)
{
    cat docs/Doxyfile
    echo "OUTPUT_DIRECTORY = \"$out\""
    echo "HTML_OUTPUT = ."
    echo "PROJECT_NUMBER = $version"
} | doxygen -
echo "the library's reference: $out/index.html"
