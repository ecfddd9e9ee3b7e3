#!/bin/sh
# What a fresh Debian lacks to build and run Understudy: distribution packages, two wheels pinned by
# sha256: MuJoCo's library and headers, and Gymnasium's model files; and what the report's page is built
# with (fetch_web.sh). `setup.sh tests` installs what only tests use as well. Run by make; says nothing
# and takes a moment when there is nothing to do. Nothing of either wheel is executed.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# A pin is "package version sha256"; changing one makes the next set-up fetch it again.
mujoco_pin="mujoco-core 4.0.0 885bd9b9cc0a6b5ba1114923eb954027652a6a0c115fa46b3218b83bae72ac4f"
models_pin="gymnasium 1.4.0 1cb947c59e7c72d8eabb2c2274c00cd20948e69f8452a9ef4092223be24fdf0e"
deps=.deps
purpose=${1:-}

#------------------------------------------ Debian packages ----------------------------------------

# Tools count however they were installed; libraries are asked of dpkg.
lacking() {
    for pair in cc:build-essential make:build-essential cmake:cmake ninja:ninja-build \
        pkg-config:pkg-config protoc-c:protobuf-c-compiler gnuplot:gnuplot-nox python3:python3; do
        command -v "${pair%%:*}" >/dev/null || echo "${pair#*:}"
    done
    [ "$purpose" != tests ] || command -v doxygen >/dev/null || echo doxygen
    # A browser for the report's page: the leanest there is, unless there is one. Ubuntu has none of it,
    # and skips that test.
    [ "$purpose" != tests ] || python3 -B tests/web/browser.py 2>/dev/null ||
        ! grep -qx 'ID=debian' /etc/os-release || echo chromium-headless-shell
    # The wheels come through pip; a test makes a throw-away virtual environment.
    python3 -I -S -c 'import importlib.util as u, sys
sys.exit(not (u.find_spec("ensurepip") and u.find_spec("venv")))' 2>/dev/null ||
        unless_installed python3-venv
    { fetched && scripts/fetch_web.sh --fetched; } || python3 -m pip --version >/dev/null 2>&1 || unless_installed python3-pip
    for package in libdnnl-dev libcjson-dev libyaml-dev libprotobuf-c-dev libcmocka-dev \
        libavcodec-dev libavformat-dev libavutil-dev libswscale-dev libegl1 libgl1-mesa-dri \
        libzip-dev libcurl4-openssl-dev libssl-dev libhdf5-dev fonts-dejavu-core; do
        unless_installed "$package"
    done
}

unless_installed() {
    case "$installed" in *" installed $1 "*) ;; *) echo "$1" ;; esac
}

packages() {
    if ! command -v dpkg-query >/dev/null; then
        [ -e "$deps/.not-debian" ] && return
        say "note: not a Debian system, so packages are not installed; needed are a C compiler, make,"
        say "cmake >= 3.25, ninja, pkg-config, protoc-c, gnuplot, python3 with pip and venv, the DejaVu"
        say "fonts, the development files of oneDNN (2.x), cJSON, libyaml, protobuf-c, FFmpeg (5 or later),"
        say "libzip, libcurl, OpenSSL, HDF5 and cmocka, and, for videos, EGL with Mesa's software driver"
        mkdir -p "$deps" && : >"$deps/.not-debian"
        return
    fi
    installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package} ' libdnnl-dev libcjson-dev \
        libyaml-dev libprotobuf-c-dev libcmocka-dev libavcodec-dev libavformat-dev libavutil-dev \
        libswscale-dev libegl1 libgl1-mesa-dri libzip-dev libcurl4-openssl-dev libssl-dev libhdf5-dev \
        fonts-dejavu-core python3-venv python3-pip \
        2>/dev/null || true)"
    missing=$(lacking | sort -u | tr '\n' ' ')
    missing=${missing% }
    [ -n "$missing" ] || return 0

    if [ "$(id -u)" -eq 0 ]; then root=""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then root="sudo -n"
    else
        say "error: some Debian packages are missing, and installing them takes root; ask for:"
        say "  apt-get install $missing"
        exit 1
    fi
    say "setup: installing $missing"
    log=$(mktemp)
    # shellcheck disable=SC2086  # words are meant to be split
    apt_get() { $root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@" >"$log" 2>&1; }
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends $missing ||
        { apt_get update && apt_get install -y --no-install-recommends $missing; } || {
        tail -n 15 "$log" >&2
        rm -f "$log"
        die "these packages could not be installed; when the cause above is mended, run: apt-get install $missing"
    }
    rm -f "$log"
    # A compiler or library may be other than the one that the build folder was configured with.
    hash -r
}

#------------------------------------------ Wheels -------------------------------------------------

# Each folder carries its pin in .pin: it is there whole and of this version, or it is fetched.
has() { [ -r "$deps/$1/.pin" ] && read -r found <"$deps/$1/.pin" && [ "$found" = "$2" ]; }
fetched() { has mujoco "$mujoco_pin" && has models "$models_pin"; }

# A python3 of at least 3.9 with pip; Debian's own where the first on PATH has none.
find_python() {
    for python in python3 /usr/bin/python3; do
        command -v "$python" >/dev/null &&
            "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' 2>/dev/null &&
            "$python" -m pip --version >/dev/null 2>&1 && return 0
    done
    die "no python3 >= 3.9 with pip was found; ask for: apt-get install python3 python3-pip"
}

# fetch FOLDER PIN UNPACK: download one wheel, check it, unpack it aside, then put it in its place.
fetch() {
    folder=$1 unpack=$3
    # shellcheck disable=SC2086
    set -- $2
    name=$1 version=$2 sha256=$3
    say "setup: fetching $name $version"
    printf '%s==%s --hash=sha256:%s\n' "$name" "$version" "$sha256" >"$tmp/requirement.txt"
    # The flags name the wheel whatever interpreter runs pip.
    if ! "$python" -m pip --disable-pip-version-check --no-cache-dir download --quiet --no-deps \
        --require-hashes --only-binary=:all: --python-version 3.11 --implementation cp --abi cp311 \
        --platform manylinux_2_28_x86_64 --dest "$tmp/wheel" -r "$tmp/requirement.txt" \
        >"$tmp/pip.log" 2>&1; then
        tail -n 8 "$tmp/pip.log" >&2
        die "pip could not download $name $version; check the network (or pip's index-url) and run scripts/setup.sh again"
    fi
    set -- "$tmp"/wheel/*.whl
    got=$(sha256sum "$1")
    got=${got%% *}
    [ "$got" = "$sha256" ] || die "$name $version: sha256 is $got, expected $sha256; nothing was unpacked"
    "$python" -I -m zipfile -e "$1" "$tmp/unpacked"
    "$unpack" "$tmp/unpacked" "$tmp/$folder"
    printf '%s %s %s\n' "$name" "$version" "$sha256" >"$tmp/$folder/.pin"
    # Two renames: killed between them, the folder is absent and the next set-up fetches it again.
    [ ! -e "$deps/$folder" ] || mv "$deps/$folder" "$tmp/old-$folder"
    mv "$tmp/$folder" "$deps/$folder"
    rm -rf "$tmp/wheel" "$tmp/unpacked"
}

unpack_mujoco() {
    mkdir -p "$2/include/mujoco" "$2/lib"
    cp "$1"/mujoco/include/mujoco/*.h "$2/include/mujoco/"
    cp "$1/mujoco/libmujoco.so.4.0.0" "$2/lib/"
    cp "$1"/mujoco_core-*.dist-info/licenses/LICENSE "$1"/mujoco_core-*.dist-info/licenses/LICENSES_THIRD_PARTY.md "$2/"
}

unpack_models() {
    mkdir -p "$2"
    cp "$1"/gymnasium/envs/mujoco/assets/*.xml "$2/"
    cp "$1"/gymnasium-*.dist-info/licenses/LICENSE "$2/"
}

wheels() {
    fetched && return 0
    mkdir -p "$deps"
    # One set-up at a time; whoever waited finds the work done.
    exec 9>"$deps/.lock"
    if command -v flock >/dev/null; then flock 9; fi
    fetched && return 0
    find_python
    rm -rf "$deps"/.tmp.*  # what a killed set-up left
    tmp=$(mktemp -d "$deps/.tmp.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    has mujoco "$mujoco_pin" || fetch mujoco "$mujoco_pin" unpack_mujoco
    has models "$models_pin" || fetch models "$models_pin" unpack_models
}

fetched || [ "$(uname -s) $(uname -m)" = "Linux x86_64" ] ||
    die "this is $(uname -s) on $(uname -m); the pinned MuJoCo library is for Linux on x86_64 only"
packages
wheels
# Only a report's replay hangs on it.
scripts/fetch_web.sh || say "note: without three.js, reports will have no 3-D replay; run scripts/setup.sh again to mend it"
