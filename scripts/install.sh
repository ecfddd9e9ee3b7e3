#!/bin/sh
# install.sh BUILD DESTDIR PREFIX: put a build in its place; make install calls it. What goes where is
# cmake/Install.cmake's. A list of the files stays in the prefix, for uninstall.sh and for the next
# install, which removes what there is no more.
set -eu
build=$1 destdir=$2 prefix=$3
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
# CMake's list of files is without a slash at its end.
while case $prefix in ?*/) ;; *) false ;; esac; do prefix=${prefix%/}; done
case $destdir in '' | /*) ;; *) destdir=$PWD/$destdir ;; esac
list=$destdir$prefix/share/understudy/installed-files

before=$(mktemp)
trap 'rm -f "$before"' EXIT
[ ! -e "$list" ] || sort "$list" >"$before"
DESTDIR=$destdir cmake --install "$build" --prefix "$prefix" >/dev/null
while IFS= read -r file || [ -n "$file" ]; do
    printf '%s\n' "${file#"$prefix"/}"
done <"$build/install_manifest.txt" | LC_ALL=C sort >"$list"
LC_ALL=C sort "$before" | LC_ALL=C comm -23 - "$list" | while IFS= read -r file; do
    rm -f "$destdir$prefix/$file"
done

# The loader's cache, where it is the system's own to fill.
if [ -z "$destdir" ] && [ "$(id -u)" -eq 0 ] && command -v ldconfig >/dev/null; then ldconfig; fi
echo "installed $destdir$prefix/bin/understudy"
