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
wanted="gymnasium[mujoco]==1.4.0 mujoco==4.0.0 numpy==2.4.6 safetensors==0.8.0"
if [ "$(cat "$venv/wanted" 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf "$venv"
    log=$(mktemp)
    echo "installing $wanted"
    # shellcheck disable=SC2086  # words on purpose
    if ! { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet --disable-pip-version-check \
        $wanted; } >"$log" 2>&1; then
        tail -n 2 "$log" | cut -c 1-300
        rm -rf "$venv" "$log"
        echo "SKIPPED: Gymnasium could not be installed (needs python3-venv and the network)"
        exit 77
    fi
    rm -f "$log"
    echo "$wanted" >"$venv/wanted"
fi
exec "$venv/bin/python" "$here/compare_gymnasium.py" --program "$program" "$@"
