#!/bin/sh
# The Python wheel, made and installed as a user would: in a virtual environment with NumPy alone, then
# in one with Gymnasium and MuJoCo, where types are checked, the package's tests run (Gymnasium's own
# environment checker and tasks among them) and the notebook of examples/ is executed.
#
#     tests/golden/python_wheel.sh BUILD [PROGRAM]
#
# BUILD is a build folder with _understudy.so (ninja -C BUILD understudy_python); PROGRAM the command, as
# a second witness. Environments are kept in BUILD/wheel (delete them at will). Exits with 77, and the
# reason, where packages cannot be had.
set -eu
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
UNDERSTUDY_PROGRAM=${2:-}
[ -z "$UNDERSTUDY_PROGRAM" ] || UNDERSTUDY_PROGRAM=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
export UNDERSTUDY_PROGRAM PYTHONDONTWRITEBYTECODE=1
. "$here/venv.sh"

"$source/scripts/make-wheel.sh" "$build"
wheel=$(ls "$build"/dist/understudy-*.whl)
cd "$build/wheel"  # not where the sources are, which would be imported instead

install_wheel() {
    "$1/bin/pip" install --quiet --disable-pip-version-check --no-index --no-deps --force-reinstall "$wheel"
}

echo "--- with NumPy alone"
make_venv "$PWD/venv-numpy" NumPy "numpy==2.4.6"
install_wheel venv-numpy
venv-numpy/bin/python - <<'CHECK'
import numpy as np
import understudy

policy = understudy.load("ant-v5")
assert policy.predict(np.zeros(27)).shape == (8,)
print(policy, understudy.evaluate(policy, episodes=2))
try:
    understudy.make_vec("Ant-v5", 2)
except ImportError as error:
    assert "understudy[gym]" in str(error)
else:
    raise AssertionError("Gymnasium is not here")
CHECK
# A Gymnasium that is too old is as good as none (before 1.1 there was no AutoresetMode).
mkdir -p old/gymnasium/vector
: >old/gymnasium/__init__.py
: >old/gymnasium/vector/__init__.py
PYTHONPATH=old venv-numpy/bin/python -c 'import understudy; understudy.load("ant-v5")'

echo "--- with Gymnasium and MuJoCo"
make_venv "$PWD/venv-gymnasium" Gymnasium "gymnasium[mujoco]==1.4.0 mujoco==4.0.0 numpy==2.4.6 \
mypy==2.4.1 pytest==9.2.0 nbclient==0.11.0 nbformat==5.11.1 ipykernel==7.4.0 matplotlib==3.11.2"
install_wheel venv-gymnasium
python=venv-gymnasium/bin/python
"$python" -m mypy --strict --cache-dir mypy-cache -p understudy
"$python" -m pytest --quiet -p no:cacheprovider --rootdir "$source/python" "$source/python/tests"
UNDERSTUDY_QUICK=1 "$python" "$here/run_notebook.py" "$source/examples/tutorial.ipynb"
