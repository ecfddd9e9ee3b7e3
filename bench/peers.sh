#!/usr/bin/env bash
# Runs the peers and this project's benchmark in turn, on this machine, and prints the ratios.
#
#   bench/peers.sh [build/understudy] [--whole]     --whole: the whole experiment too (half an hour)
#
# PEERS_DIR: where the virtual environments go (default .deps/peers, some 6 GB).
set -euo pipefail
cd "$(dirname "$0")/.."
program=build/understudy whole=no
for word in "$@"; do
    case "$word" in
        --whole) whole=yes ;;
        -h | --help) sed -n '2,6p' "$0" | cut -c3-; exit 0 ;;
        *) program=$word ;;
    esac
done
dir=${PEERS_DIR:-.deps/peers}
expert=experts/ant-v5.safetensors

environment() { # NAME PACKAGE...
    local name=$1 venv=$dir/$1
    shift
    [ -e "$venv/.done" ] && return
    echo "peers: installing $*" >&2
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet "$@"
    touch "$venv/.done"
}
environment torch torch==2.13.0 stable-baselines3==2.9.2 gymnasium==1.4.0 mujoco==4.0.0 safetensors imageio packaging
environment imitation imitation==1.0.1 torch==2.13.0
environment sbx sbx-rl==0.28.0 gymnasium==1.4.0 mujoco==4.0.0 imageio packaging

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
torch=$dir/torch/bin/python imitation=$dir/imitation/bin/python sbx=$dir/sbx/bin/python
# In turns: ours before and after, so that a machine that drifts does not favour a side.
"$program" bench --json --quiet >"$out/before.json"
for script in bc_rate env_rate; do "$torch" bench/peers/$script.py | tee -a "$out/peers"; done
"$torch" bench/peers/collect_rate.py "$expert" | tee -a "$out/peers"
"$imitation" bench/peers/imitation_rate.py | tee -a "$out/peers"
"$torch" bench/peers/sac_rate.py sb3 | tee -a "$out/peers"
"$sbx" bench/peers/sac_rate.py sbx | tee -a "$out/peers"
"$program" bench --json --quiet >"$out/after.json"
if [ $whole = yes ]; then
    start=$(date +%s%N)
    "$program" experiment --preset ant-v5 --out "$out/run" --quiet | tail -n 30
    echo "ours_whole_experiment $((($(date +%s%N) - start) / 1000000))e-3 s" >>"$out/peers"
    "$torch" bench/peers/whole_experiment.py "$expert" | tee "$out/whole"
    tail -n 1 "$out/whole" >>"$out/peers"
fi
python3 - "$out" <<'PYTHON'
import json, os, sys

out = sys.argv[1]
runs = [json.load(open(os.path.join(out, name)))["figures"] for name in ("before.json", "after.json")]
lines = (line.split() for line in open(os.path.join(out, "peers")))
peers = {words[0]: float(words[1]) for words in lines if len(words) == 3 and words[2] in ("s", "s/epoch", "steps/s", "updates/s")}
seconds = lambda name: min(r[name]["seconds_50000_pairs"] for r in runs)
rate = lambda name: max(r[name]["value"] for r in runs)
rows = []
for batch in (64, 256):
    for kind in ("tensors", "dataloader"):
        name = f"torch_{kind}_batch{batch}"
        rows.append((name, peers[name], seconds(f"bc_batch{batch}"), "s/epoch", peers[name] / seconds(f"bc_batch{batch}")))
name = "imitation_batch256"
rows.append((name, peers[name], seconds("bc_batch256"), "s/epoch", peers[name] / seconds("bc_batch256")))
for name in ("sb3_collect", "gymnasium_env"):
    rows.append((name, peers[name], rate("rollouts"), "steps/s", rate("rollouts") / peers[name]))
for name in ("sb3_sac", "sbx_sac"):
    rows.append((name, peers[name], rate("sac_updates"), "updates/s", rate("sac_updates") / peers[name]))
if "whole_experiment" in peers:
    rows.append(("whole_experiment", peers["whole_experiment"], peers["ours_whole_experiment"], "s",
                 peers["whole_experiment"] / peers["ours_whole_experiment"]))
print(f"\n{'peer':28} {'peer':>10} {'ours':>10}  {'unit':9} {'times as fast':>13}")
for name, theirs, ours, unit, times in rows:
    print(f"{name:28} {theirs:10.4g} {ours:10.4g}  {unit:9} {times:13.1f}")
PYTHON
