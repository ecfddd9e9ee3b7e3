#!/bin/sh
# The Debian package as CPack makes it: what it depends on, what is in it, that it runs from where it is
# unpacked. packaging/check-deb.sh installs one in a clean Debian.
#
#     tests/install/package.sh BUILD FOLDER
#
# BUILD has been built; FOLDER is emptied. Exit code 77, with the reason, where there are no Debian tools.
set -eu
here=$(cd "$(dirname "$0")/../.." && pwd)
for tool in dpkg-deb dpkg-shlibdeps; do
    command -v $tool >/dev/null || { echo "SKIPPED: $tool is not installed"; exit 77; }
done
rm -rf "$2"
mkdir -p "$2"
tmp=$(cd "$2" && pwd)
cd "$1"
cpack --config CPackConfig.cmake -B "$tmp" >"$tmp/log" 2>&1 || { tail -n 20 "$tmp/log"; exit 1; }
cd "$tmp"
set -- understudy_*.deb
failed=0
fail() { echo "[ FAILED ] $1"; failed=1; }

version=$(sed -n 's/^#define UDY_VERSION "\(.*\)"/\1/p' "$here/include/understudy/base.h")
[ "$(dpkg-deb -f "$1" Version)" = "$version-1" ] || fail "its version is the library's"
depends=$(dpkg-deb -f "$1" Depends)
for library in libc6 libdnnl libavcodec libcurl libhdf5 libzip libyaml; do
    case $depends in *"$library"*) ;; *) fail "it depends on $library: $depends" ;; esac
done
case $depends in *mujoco* | *understudy*) fail "it asks nobody for what it holds itself: $depends" ;; esac
dpkg-deb -I "$1" triggers | grep -q 'activate-noawait ldconfig' || fail "the loader's cache is refreshed"

dpkg-deb -x "$1" tree
for file in bin/understudy lib/libunderstudy.so.0 lib/libunderstudy.a lib/understudy/libmujoco.so.4.0.0 \
    lib/pkgconfig/understudy.pc share/man/man1/understudy.1.gz share/doc/understudy/copyright \
    share/doc/understudy/changelog.gz share/doc/understudy/changelog.Debian.gz \
    share/doc/understudy/examples/clone.c share/zsh/vendor-completions/_understudy \
    share/understudy/models/LICENSE share/understudy/licenses/MuJoCo-LICENSES_THIRD_PARTY.md; do
    [ -e "tree/usr/$file" ] || fail "it holds $file"
done
tree/usr/bin/understudy evaluate ant-v5 --episodes 1 --quiet >/dev/null || fail "it runs from where it is unpacked"
if command -v lintian >/dev/null; then
    lintian --allow-root --fail-on error,warning "$1" >log 2>&1 || { cat log; fail "lintian has nothing to say"; }
else
    echo "note: lintian is not installed, so it was not asked"
fi
rm -rf tree _CPack_Packages
[ "$failed" -eq 0 ] && echo "[ OK ] $1: depends on what it links, holds what it should, runs"
