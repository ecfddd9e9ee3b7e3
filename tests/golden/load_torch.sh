#!/bin/sh
# The tutorial's PyTorch network loads our policy files unchanged, and acts alike.
#
#     tests/golden/load_torch.sh UNDERSTUDY ACTOR FOLDER
#
# UNDERSTUDY is the program, ACTOR the program test_export. PyTorch is large (the CPU's wheel 200 MB), so
# this is asked for: UDY_TORCH_PYTHON is a Python that has torch, safetensors and numpy, or "venv" for
# a throw-away one in FOLDER. Exit code 77, with the reason, where it is neither.
set -eu
program=$1
actor=$2
folder=$3
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
python=${UDY_TORCH_PYTHON:-}
if [ "$python" = venv ]; then
    make_venv "$folder/venv" PyTorch "torch==2.13.0 numpy==2.4.6 safetensors==0.8.0"
    python=$folder/venv/bin/python
fi
if [ -z "$python" ] || ! "$python" -c 'import torch, safetensors.torch' 2>/dev/null; then
    echo "SKIPPED: UDY_TORCH_PYTHON is not set to a Python with torch and safetensors (or to 'venv')"
    exit 77
fi
rm -rf "$folder/work"
mkdir -p "$folder/work"
cd "$folder/work"
"$program" demos collect --expert ant-v5 --episodes 2 --set max_episode_steps=200 --out demos --quiet \
    >/dev/null 2>&1
"$program" bc demos --out bc.safetensors --set epochs=3 --quiet >/dev/null 2>&1
# The shipped expert has a Gaussian head besides.
for policy in bc.safetensors "$here/../../experts/ant-v5.safetensors"; do
    "$actor" --act "$policy" actions.safetensors >/dev/null 2>&1
    "$python" "$here/load_torch.py" "$policy" actions.safetensors
done
