#!/bin/sh
# Models of every algorithm, activation and size from Stable-Baselines3 itself, 2.x and 1.x, and the
# actions that it gives, beside what we read of them.
#
#     tests/golden/compare_sb3.sh TEST FOLDER
#
# TEST is the program test_sb3; FOLDER keeps what is installed between runs (delete it at will). It
# takes a Python that has stable_baselines3 and safetensors: $UDY_SB3_PYTHON, or a virtual environment
# in FOLDER, which UDY_SB3_INSTALL=1 makes (PyTorch is large: gigabytes, minutes). With neither, exit
# code 77.
set -eu
program=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
python=${UDY_SB3_PYTHON:-$folder/venv/bin/python}
if [ ! -x "$(command -v "$python")" ]; then
    if [ "${UDY_SB3_INSTALL:-0}" != 1 ]; then
        echo "SKIPPED: no Stable-Baselines3; UDY_SB3_PYTHON names a Python that has it, UDY_SB3_INSTALL=1 installs it"
        exit 77
    fi
    make_venv "$folder/venv" Stable-Baselines3 \
        "stable-baselines3==2.9.2 sb3-contrib==2.9.0 numpy==2.4.6 safetensors==0.8.0"
fi

# sb3-contrib where the environment has none, and old versions, which ask for packages that no longer
# install: without their dependencies, beside the environment's own; two that they only import are
# made up.
add() {
    [ -e "$folder/$1/.done" ] || [ "${UDY_SB3_INSTALL:-0}" != 1 ] || {
        name=$1
        shift
        "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$folder/$name" "$@" \
            && : >"$folder/$name/.done"
    } || echo "not installed: $*"
}
mkdir -p "$folder/made-up/pandas" "$folder/made-up/matplotlib"
echo "class DataFrame: pass" >"$folder/made-up/pandas/__init__.py"
echo "from . import figure, pyplot" >"$folder/made-up/matplotlib/__init__.py"
echo "class figure: pass" >"$folder/made-up/matplotlib/pyplot.py"
echo "class Figure: pass" >"$folder/made-up/matplotlib/figure.py"
add contrib sb3-contrib==2.9.0
add gym gym==0.26.2 gym-notices==0.1.0
add 1.1.0 stable-baselines3==1.1.0
add 1.8.0 stable-baselines3==1.8.0 sb3-contrib==1.8.0

# compare NAME PYTHONPATH
compare() {
    rm -rf "$folder/models-$1"
    PYTHONPATH=$2 "$python" -W ignore "$here/make_sb3.py" "$folder/models-$1" 2>"$folder/said.txt" || {
        cat "$folder/said.txt"
        exit 1
    }
    "$program" --compare "$folder/models-$1"
}
compare new "$folder/contrib"
for version in 1.1.0 1.8.0; do
    if [ -e "$folder/$version/.done" ] && [ -e "$folder/gym/.done" ]; then
        compare "$version" "$folder/made-up:$folder/$version:$folder/gym"
    else
        echo "without files of Stable-Baselines3 $version"
    fi
done
