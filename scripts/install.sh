#!/bin/sh
# install.sh BUILD DESTDIR PREFIX: put a build made by the "install" preset in its place; make install
# calls it. The program finds libmujoco and its data relative to itself, so PREFIX can be moved.
set -eu
cd "$(dirname "$0")/.."
build=$1 destdir=$2 prefix=$3
case $prefix in /*) ;; *) prefix=$PWD/$prefix ;; esac
to=$destdir$prefix

bin=$to/bin lib=$to/lib share=$to/share/understudy
install -d "$bin" "$lib/understudy" "$lib/pkgconfig" "$to/include/understudy" "$share/licenses"
install -m 755 "$build/understudy" "$bin/understudy"
install -m 644 include/understudy/*.h "$to/include/understudy/"
# MuJoCo's soname is its full version, so this one file is all the loader asks for.
install -m 644 .deps/mujoco/lib/libmujoco.so.* "$lib/understudy/"

# One archive of all rooms, for programs that use the library.
archive=$build/libunderstudy.a
rm -f "$archive"
{
    echo "create $archive"
    for room in base io nn sim learn study show; do
        [ ! -e "$build/libudy_$room.a" ] || echo "addlib $build/libudy_$room.a"
    done
    echo save
    echo end
} | ar -M
install -m 644 "$archive" "$lib/libunderstudy.a"
version=$(sed -n 's/^#define UDY_VERSION "\(.*\)"/\1/p' include/understudy/understudy.h)
cat >"$lib/pkgconfig/understudy.pc" <<PC
prefix=\${pcfiledir}/../..
Name: understudy
Description: Imitation learning on MuJoCo tasks
Version: $version
Cflags: -I\${prefix}/include
Libs: -L\${prefix}/lib -lunderstudy -L\${prefix}/lib/understudy -l:libmujoco.so.4.0.0 -Wl,-rpath,\${prefix}/lib/understudy -ldnnl -lgomp -lyaml -lcjson -lprotobuf-c -lavformat -lavcodec -lswscale -lavutil -lpthread -ldl -lm
PC

for part in presets experts; do
    rm -rf "${share:?}/$part"
    cp -R "$part" "$share/$part"
done
rm -rf "$share/report"
cp -R "$build/share/understudy/report" "$share/report"
# Gymnasium's model files go nowhere without their licence.
rm -rf "$share/models"
install -d "$share/models"
install -m 644 .deps/models/*.xml .deps/models/LICENSE "$share/models/"
install -m 644 LICENSE THIRD_PARTY.md "$share/licenses/"
install -m 644 .deps/mujoco/LICENSE "$share/licenses/MuJoCo-LICENSE"
install -m 644 .deps/mujoco/LICENSES_THIRD_PARTY.md "$share/licenses/MuJoCo-LICENSES_THIRD_PARTY.md"
install -m 644 .deps/web/node_modules/three/LICENSE "$share/licenses/three-LICENSE"
chmod -R u+rwX,go+rX "$share"
echo "installed $bin/understudy"
