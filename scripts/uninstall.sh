#!/bin/sh
# uninstall.sh DESTDIR PREFIX: remove what install.sh put there, and nothing else; make uninstall calls
# it.
set -eu
destdir=$1 prefix=$2
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
# CMake's list of files is without a slash at its end.
while case $prefix in ?*/) ;; *) false ;; esac; do prefix=${prefix%/}; done
case $destdir in '' | /*) ;; *) destdir=$PWD/$destdir ;; esac
to=$destdir$prefix
list=$to/share/understudy/installed-files

if [ ! -e "$list" ]; then
    echo "error: nothing is installed in $to by make install ($list is not there); say where with PREFIX=" >&2
    exit 1
fi
files=$(mktemp)
trap 'rm -f "$files"' EXIT
cp "$list" "$files"
while IFS= read -r file; do rm -f "$to/$file"; done <"$files"
rm -f "$list"
# Folders of ours, the deepest first; one that holds something of somebody's stays.
while IFS= read -r file; do
    while case $file in */*) ;; *) false ;; esac; do
        file=${file%/*}
        case $file in *understudy*) printf '%s\n' "$file" ;; esac
    done
done <"$files" | LC_ALL=C sort -ru | while IFS= read -r folder; do
    rmdir "$to/$folder" 2>/dev/null || true
done
echo "removed Understudy from $to"
