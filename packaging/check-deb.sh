#!/bin/sh
# The Debian package in a clean Debian 12: installed by dpkg and apt, run, built against, removed.
#
#     packaging/check-deb.sh PACKAGE.deb CHROOT
#
# CHROOT is a folder with a minimal Debian 12, which is left with the packages that apt put there; where
# there is none, debootstrap makes one. Takes root and the network; without them it says so and exits
# with 77.
set -eu
deb=$1 root=$2
here=$(cd "$(dirname "$0")/.." && pwd)
skip() { echo "SKIPPED: $1"; exit 77; }

[ "$(id -u)" -eq 0 ] || skip "a chroot takes root"
if [ ! -x "$root/bin/sh" ]; then
    command -v debootstrap >/dev/null || skip "debootstrap is not installed"
    debootstrap --variant=minbase bookworm "$root" >/dev/null || skip "debootstrap could not make $root"
fi

rm -rf "$root/tmp/check"
mkdir -p "$root/proc" "$root/tmp/check"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
trap 'umount "$root/proc"; rm -rf "$root/tmp/check"' EXIT
cp "$deb" "$root/tmp/check/understudy.deb"
cp "$here/examples/drive.c" "$root/tmp/check/"
# Names are looked up as here.
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true

cat >"$root/tmp/check/run.sh" <<'RUN'
set -eu
cd /tmp/check
export DEBIAN_FRONTEND=noninteractive HOME=/tmp/check LC_ALL=C.UTF-8
say() { printf '\n--- %s\n' "$1"; }

say "dpkg installs it, apt what it depends on"
apt-get -qq update
dpkg --force-depends -i understudy.deb >/dev/null 2>&1 || true
apt-get -qq -y --no-install-recommends -f install >apt.log 2>&1 || { tail -n 20 apt.log; exit 1; }
dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}, ${Installed-Size} kB\n' understudy
[ "$(dpkg-query -W -f '${db:Status-Status}' understudy)" = installed ]
understudy --version

say "it runs: a tiny experiment"
# Without gnuplot there are no figures, which is said, and everything else is there.
understudy experiment --out run --no-report --quiet --set demo_episodes=2 --set eval_episodes=2 \
    --set bc.epochs=2 --set bc.val_fraction=0.5 --set dagger.initial_episodes=1 --set dagger.rounds=1 \
    --set dagger.episodes_per_round=1 --set dagger.select_episodes=2 --set dagger.bc.epochs=2
ls run

say "a program is built against it"
apt-get -qq -y --no-install-recommends install gcc libc6-dev pkg-config >apt.log 2>&1 || { tail -n 20 apt.log; exit 1; }
gcc -Wall -Werror drive.c $(pkg-config --cflags --libs understudy) -o drive
./drive /usr/share/understudy/experts/ant-v5.safetensors

say "it is removed, and nothing of it stays"
apt-get -qq -y purge understudy >/dev/null 2>&1
left=$(find /usr /etc -name '*understudy*' ! -path '/usr/share/lintian/*')
[ -z "$left" ] || { echo "left behind: $left"; exit 1; }
echo "the package installs, runs, is built against and goes"
RUN
chroot "$root" /bin/sh /tmp/check/run.sh
