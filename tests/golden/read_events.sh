#!/bin/sh
# TensorBoard's own readers, in a throw-away virtual environment, on event files that we write.
#
#     tests/golden/read_events.sh WRITER FOLDER [--seed S] [--rounds N]
#
# WRITER is the program test_tensorboard; FOLDER keeps the environment between runs (delete it at
# will). Exit code 77, with the reason, where the environment cannot be made.
set -eu
writer=$1
venv=$2/venv
shift 2
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
make_venv "$venv" TensorBoard "tensorboard==2.21.0 protobuf==7.36.2 numpy==2.4.6 setuptools==80.9.0"
"$venv/bin/python" "$here/read_events.py" --writer "$writer" "$@"
exec "$venv/bin/python" "$here/read_values.py" --writer "$writer" "$@"
