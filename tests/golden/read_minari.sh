#!/bin/sh
# Minari's own reader on datasets that we export, and our import on datasets that Minari writes, in a
# throw-away virtual environment.
#
#     tests/golden/read_minari.sh PROGRAM FOLDER
#
# PROGRAM is the built command; FOLDER keeps the environment between runs (delete it at will). Exit
# code 77, with the reason, where the environment cannot be made.
set -eu
program=$1
venv=$2/venv
work=$2/work
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
make_venv "$venv" Minari \
    "minari[hdf5]==0.5.4 h5py==3.16.0 pillow==13.0.0 gymnasium==1.4.0 mujoco==4.0.0 imageio==2.38.1 numpy==2.4.6"
rm -rf "$work"
mkdir -p "$work"
exec "$venv/bin/python" "$here/read_minari.py" --program "$program" --work "$work"
