#!/bin/sh
# An installation as its users meet it: what lies where, what the libraries export, programs built
# against it in C, C++, by pkg-config and by CMake, the prefix moved, and everything removed again.
#
#     tests/install/prefix.sh BUILD FOLDER [COMPILER-OPTION]...
#
# BUILD has been built; FOLDER is emptied. The options are those that the build was made with and its
# users need too (sanitizers).
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
rm -rf "$2"
mkdir -p "$2"
tmp=$(cd "$2" && pwd)
shift 2
options=$*
failed=0
claim() { printf '[ %s ] %s\n' "$1" "$2"; }
fail() { claim FAILED "$1"; failed=1; }

prefix=$tmp/prefix
"$here/scripts/install.sh" "$build" "" "$prefix" >/dev/null
version=$(sed -n 's/^#define UDY_VERSION "\(.*\)"/\1/p' "$here/include/understudy/base.h")
cd "$tmp"

#------------------------------------------ What lies where ----------------------------------------

for file in bin/understudy lib/libunderstudy.a lib/libunderstudy.so lib/libunderstudy.so.0 \
    "lib/libunderstudy.so.$version" lib/understudy/libmujoco.so.4.0.0 include/understudy/understudy.h \
    lib/pkgconfig/understudy.pc lib/pkgconfig/understudy-static.pc \
    lib/cmake/understudy/understudyConfig.cmake share/man/man1/understudy.1 \
    share/man/man1/understudy-demos-collect.1 share/bash-completion/completions/understudy \
    share/zsh/site-functions/_understudy share/fish/vendor_completions.d/understudy.fish \
    share/understudy/models/ant.xml share/understudy/models/LICENSE \
    share/understudy/experts/ant-v5.safetensors share/understudy/presets/expert/ant-v5.yaml \
    share/understudy/report/page.html share/understudy/licenses/MuJoCo-LICENSE; do
    [ -e "prefix/$file" ] || fail "$file is installed"
done
for header in "$here"/include/understudy/*.h; do
    [ -e "prefix/include/understudy/${header##*/}" ] || fail "${header##*/} is installed"
done
[ "$failed" -ne 0 ] || claim OK "program, libraries, headers, manual, completion and data are in their places"

check() { # check CLAIM COMMAND...: the command succeeds
    what=$1
    shift
    if "$@" >log 2>&1; then claim OK "$what"; else fail "$what"; tail -n 15 log; fi
}

soname() { readelf -d "prefix/lib/libunderstudy.so.$version" | grep -q 'SONAME.*\[libunderstudy\.so\.0\]'; }
check "the shared library's name has its interface's number" soname
no_absolute_rpath() {
    for file in prefix/bin/understudy "prefix/lib/libunderstudy.so.$version"; do
        readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -q '\[\$ORIGIN' || return 1
        readelf -d "$file" | grep -E 'R(UN)?PATH' | grep -q '\[/\|:/' && return 1
    done
    return 0
}
check "program and library find MuJoCo's library relative to themselves" no_absolute_rpath

#------------------------------------------ Symbols ------------------------------------------------

exports() { nm -D --defined-only "prefix/lib/libunderstudy.so.$version" | awk '{ sub(/@.*/, "", $3); print $3 }'; }
exports | LC_ALL=C sort -u >exported
only_public() {
    if grep -v '^udy_[a-z0-9]' exported; then return 1; fi
    [ "$(wc -l <exported)" -gt 100 ]
}
# The sanitizers put marks of their own beside tables.
[ -n "$options" ] || check "the shared library exports public names and no others" only_public
all_declared() {
    printf '#include "understudy/understudy.h"\n' >all.c
    cc -Iprefix/include -aux-info protos -fsyntax-only all.c
    # "/* file:line:NC */ extern int udy_x (...);"
    { sed -n 's/^.*[ *]\(udy_[a-z0-9_]*\) (.*$/\1/p' protos
      sed -n 's/^extern .*\(udy_[a-z0-9_]*\)\[.*$/\1/p' prefix/include/understudy/*.h; } |
        LC_ALL=C sort -u >declared
    [ "$(wc -l <declared)" -gt 100 ] || return 1
    LC_ALL=C comm -23 declared exported >missing
    cat missing
    [ ! -s missing ]
}
check "everything that the headers declare is exported" all_declared

#------------------------------------------ Programs -----------------------------------------------

pkg() { PKG_CONFIG_PATH=$tmp/$where/lib/pkgconfig pkg-config "$@"; }
expert() { printf '%s' "$tmp/$where/share/understudy/experts/ant-v5.safetensors"; }
# $options and pkg-config's words are meant to be split.
shared() {
    cc $options -Wall -Werror "$here/examples/$1.c" $(pkg --cflags --libs understudy) \
        -Wl,-rpath,"$(pkg --variable=libdir understudy)" -o "$1-shared"
}
static() {
    cc $options -Wall -Werror "$here/examples/$1.c" $(pkg --cflags --libs understudy-static) -o "$1-static"
    # It is in the program: nothing is asked of the loader.
    if readelf -d "$1-static" | grep -q 'NEEDED.*libunderstudy'; then return 1; fi
}
cxx() {
    c++ $options -std=c++11 -Wall -Wextra -Wpedantic -Werror "$here/tests/install/headers.cpp" \
        $(pkg --cflags --libs understudy) -Wl,-rpath,"$(pkg --variable=libdir understudy)" -o cxx
    [ "$(./cxx)" = "$version 5 UDY_OK" ]
}
by_cmake() {
    rm -rf by-cmake
    cmake -S "$here/examples" -B by-cmake -G Ninja -DCMAKE_PREFIX_PATH="$tmp/$where" \
        -DCMAKE_C_FLAGS="$options" && cmake --build by-cmake
}
drives() { # drives PROGRAM: the expert walks; the same numbers however it was built
    "$1" "$(expert)" >"out" 2>&1 || { cat out; return 1; }
    cat out
    grep -q '^200 steps: return [0-9.]*, [0-9.]* m$' out || return 1
    [ -e first ] || cp out first
    cmp first out
}
clones() {
    rm -rf demos clone.safetensors
    "$1" "$(expert)" demos && [ -s clone.safetensors ]
}
program() { "$where/bin/understudy" evaluate ant-v5 --episodes 1 --quiet --json; }
manual() { man -M "$where/share/man" -w understudy-bc; }

where=prefix
check "pkg-config knows the version" test "$(pkg --modversion understudy)" = "$version"
check "an example builds with pkg-config and the shared library" shared drive
check "and runs" drives ./drive-shared
check "an example builds with pkg-config and the static library" static drive
check "and runs" drives ./drive-static
check "a C++ program takes the headers" cxx
check "examples build with the CMake package" by_cmake
check "and run, shared" drives by-cmake/drive
check "and static" drives by-cmake/drive_static
check "the installed program runs" program

mv prefix moved
where=moved
rm -f drive-shared drive-static
check "a moved installation: the program runs" program
check "an example builds with pkg-config and runs" shared drive
check "from the new place" drives ./drive-shared
check "the CMake package builds" by_cmake
check "and what it built clones an expert" clones by-cmake/clone
if command -v man >/dev/null; then check "man finds the manual" manual; fi

#------------------------------------------ Installed again, removed -------------------------------

mv moved prefix
where=prefix
date >prefix/share/understudy/mine
echo bin/no-more >>prefix/share/understudy/installed-files
date >prefix/bin/no-more
again() { "$here/scripts/install.sh" "$build" "" "$prefix/" && [ ! -e prefix/bin/no-more ]; }
check "installed again, what was installed and is no more goes" again
removed() {
    "$here/scripts/uninstall.sh" "" "$prefix//"
    find prefix -type f -o -type l >left
    cat left
    [ "$(cat left)" = prefix/share/understudy/mine ] && [ ! -e prefix/include/understudy ]
}
check "uninstalled, nothing of ours stays and nothing of others goes" removed
staged() {
    "$here/scripts/install.sh" "$build" stage /usr
    [ -x stage/usr/bin/understudy ] && stage/usr/bin/understudy --version
}
check "DESTDIR puts a whole tree aside" staged
rm -rf stage by-cmake

if [ "$failed" -ne 0 ]; then echo "an installation is not what its users need (see above)"; exit 1; fi
