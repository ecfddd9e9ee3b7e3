#!/bin/sh
# A second witness besides the golden files: Gymnasium itself, in a throw-away virtual environment.
#
#     tests/golden/compare_gymnasium.sh PROGRAM FOLDER [--seed S] [--rounds N]
#
# PROGRAM is the understudy to judge; FOLDER keeps the environment between runs (delete it at will).
# Exit code 77, with the reason, where the environment cannot be made: no network, no venv module.
set -eu
program=$1
venv=$2/venv
shift 2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
make_venv "$venv" Gymnasium "gymnasium[mujoco]==1.4.0 mujoco==4.0.0 numpy==2.4.6 safetensors==0.8.0"
exec "$venv/bin/python" "$here/compare_gymnasium.py" --program "$program" "$@"
