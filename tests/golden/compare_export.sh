#!/bin/sh
# Exported policies in the software that they are for: onnxruntime and ONNX's own checker, and NumPy.
#
#     tests/golden/compare_export.sh WRITER FOLDER
#
# WRITER is the program test_export; FOLDER keeps the samples and a virtual environment between runs
# (delete it at will). Exit code 77, with the reason, where the environment cannot be made.
set -eu
writer=$1
folder=$2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
make_venv "$folder/venv" onnxruntime \
    "onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6 safetensors==0.8.0 protobuf==7.36.2"
rm -rf "$folder/samples"
"$writer" --write "$folder/samples" >/dev/null 2>&1
exec "$folder/venv/bin/python" "$here/compare_export.py" "$folder/samples"
