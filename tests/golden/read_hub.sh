#!/bin/sh
# Python's huggingface_hub, in a throw-away virtual environment, and ours on one cache: what either has
# fetched from the tests' own hub on the loopback the other finds.
#
#     tests/golden/read_hub.sh TEST_HUB FOLDER
#
# TEST_HUB is the program test_hub; FOLDER keeps the environment between runs (delete it at will).
# Exit code 77, with the reason, where the environment cannot be made.
set -eu
program=$1
venv=$2/venv
here=$(cd "$(dirname "$0")" && pwd)
. "$here/venv.sh"
make_venv "$venv" huggingface_hub "huggingface_hub==2.4.0 hf-xet==1.8.0"
exec "$venv/bin/python" "$here/read_hub.py" "$program"
