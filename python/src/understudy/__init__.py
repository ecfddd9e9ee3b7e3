"""Understudy: imitation learning on MuJoCo's tasks, from a C library, with NumPy arrays.

    import understudy

    expert = understudy.load("ant-v5")
    demos = understudy.collect(expert, episodes=50)
    clone = understudy.bc(demos).policy
    print(understudy.evaluate(clone, episodes=20, seed=1000))
    print(understudy.dagger(expert, demos=demos, rounds=10))

With Gymnasium installed: `understudy.make_vec("Ant-v5", 16)`, and
`gymnasium.make("understudy/Ant-v5")`.
"""

from __future__ import annotations

from ._episodes import Demos, Evaluation, collect, evaluate
from ._learn import BCResult, DaggerResult, DaggerRound, bc, dagger
from ._native import (
    Interrupted,
    Progress,
    UnderstudyError,
    __version__,
    mujoco_version,
)
from ._policy import Policy, experts, load
from ._task import Task, tasks

# Gymnasium is optional. Where it is installed, and not too old, it learns of the tasks, as its users
# expect of an import.
_no_gymnasium: ImportError | None = None
try:
    from .gym import Env, VectorEnv, make_vec
except ImportError as error:
    _no_gymnasium = error

__all__ = [
    "BCResult",
    "DaggerResult",
    "DaggerRound",
    "Demos",
    "Env",
    "Evaluation",
    "Interrupted",
    "Policy",
    "Progress",
    "Task",
    "UnderstudyError",
    "VectorEnv",
    "__version__",
    "bc",
    "collect",
    "dagger",
    "evaluate",
    "experts",
    "load",
    "make_vec",
    "mujoco_version",
    "tasks",
]


def __getattr__(name: str) -> object:
    if name in ("Env", "VectorEnv", "make_vec"):
        raise ImportError(
            f"understudy.{name} needs Gymnasium 1.1 or later: pip install 'understudy[gym]'"
        ) from _no_gymnasium
    raise AttributeError(f"module 'understudy' has no attribute {name!r}")
