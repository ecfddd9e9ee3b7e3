#!/usr/bin/env bash
# What each part of the preset ant-v5 is worth: trainings that differ from it in one thing, several
# seeds each, as many side by side as there are cores, one thread each.
#
#   bench/ablation.sh OUT [--seeds "0 1"] [--jobs N] [--only "NAME NAME"] [--steps N] [--program P]
#
# OUT holds a run folder a training; what is finished is kept and what was interrupted goes on, so the
# script may be stopped and started at will. The table comes from bench/ablation_table.py.
# Each variant's command is written to OUT/commands.txt as it is run.
set -euo pipefail
cd "$(dirname "$0")/.."
seeds="0 1" jobs=$(nproc) only="" steps=384000 program=build/understudy out=""
while [ $# -gt 0 ]; do
    case "$1" in
        --seeds) seeds=$2; shift ;;
        --jobs) jobs=$2; shift ;;
        --only) only=$2; shift ;;
        --steps) steps=$2; shift ;;
        --program) program=$2; shift ;;
        -h | --help) sed -n '2,10p' "$0" | cut -c3-; exit 0 ;;
        -*) echo "unknown option $1; see --help" >&2; exit 2 ;;
        *) out=$1 ;;
    esac
    shift
done
[ -n "$out" ] || { echo "where to? bench/ablation.sh OUT; see --help" >&2; exit 2; }
mkdir -p "$out"
rm -f "$out/.failed"

one() { # NAME SEED
    local run=$out/$1-$2 settings
    settings=$(awk -v name="$1" '$1 == "all" || $1 == name { $1 = ""; print }' bench/ablation.txt)
    local command=("$program" expert train --threads 1 --quiet)
    if [ -e "$run/run.yaml" ]; then
        command+=(--resume "$run")
    else
        command+=(--preset ant-v5 --seed "$2" --out "$run" --set "sac.steps=$steps")
        for setting in $settings; do command+=(--set "$setting"); done
        echo "${command[*]}" >>"$out/commands.txt"
    fi
    if [ -e "$run/results.json" ]; then
        echo "$1-$2: done"
    elif "${command[@]}" >"$run.txt" 2>&1; then
        echo "$1-$2: done"
    else
        echo "$1-$2: stopped, see $run.txt" >&2
        touch "$out/.failed"
    fi
}

# All variants with one seed before the next: an early look compares like with like.
for seed in $seeds; do
    while read -r name _; do
        case "$name" in '' | '#'* | all) continue ;; esac
        [ -z "$only" ] || [[ " $only " == *" $name "* ]] || continue
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
        one "$name" "$seed" &
    done <bench/ablation.txt
done
wait
python3 bench/ablation_table.py "$out"
[ ! -e "$out/.failed" ]  # else what is above is not all
