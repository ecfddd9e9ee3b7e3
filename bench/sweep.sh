#!/usr/bin/env bash
# The study of docs/sweep.md: run the grid (or go on with it), keep its data and figures under
# docs/sweep/, and put its table into docs/sweep.md.
#
#   bench/sweep.sh RUN [--program P] [--preset NAME] [--threads N]
#
# RUN is the sweep's run folder; it may be stopped and started at will.
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/understudy preset=ant-v5 threads=() run=""
while [ $# -gt 0 ]; do
    case "$1" in
        --program) program=$2; shift ;;
        --preset) preset=$2; shift ;;
        --threads) threads=(--threads "$2"); shift ;;
        -h | --help) sed -n '2,8p' "$0" | cut -c3-; exit 0 ;;
        -*) echo "unknown option $1; see --help" >&2; exit 2 ;;
        *) run=$1 ;;
    esac
    shift
done
[ -n "$run" ] || { echo "where to? bench/sweep.sh RUN; see --help" >&2; exit 2; }

if [ -e "$run/run.yaml" ]; then
    "$program" sweep --resume "$run" "${threads[@]}"
else
    "$program" sweep --preset "$preset" --out "$run" "${threads[@]}"
fi

to=docs/sweep
mkdir -p "$to"
cp "$run"/run.yaml "$run"/sweep.csv "$run"/points.csv "$run"/table.md "$to/"
cp "$run"/figures/sweep-*.svg "$run"/figures/sweep-*.png "$run"/figures/sweep-*.csv \
    "$run"/figures/sweep-*.gp "$to/"

# Whatever stands between the two marks is the table's place.
awk -v table="$to/table.md" '
    /<!-- table -->/ { print; while ((getline line < table) > 0) print line; skip = 1; next }
    /<!-- end of table -->/ { skip = 0 }
    !skip
' docs/sweep.md >docs/sweep.md.new
mv docs/sweep.md.new docs/sweep.md
echo "kept in $to; the table is in docs/sweep.md"
