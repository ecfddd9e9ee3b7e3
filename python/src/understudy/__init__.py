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

import importlib.util
from typing import TYPE_CHECKING

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

# Gymnasium is optional. Where it is installed it learns of the tasks, as its users expect of an
# import. (A mere folder of that name has no origin.)
_gymnasium = importlib.util.find_spec("gymnasium")
if TYPE_CHECKING or (_gymnasium is not None and _gymnasium.origin is not None):
    from .gym import Env, VectorEnv, make_vec

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
        raise ImportError(f"understudy.{name} needs Gymnasium: pip install 'understudy[gym]'")
    raise AttributeError(f"module 'understudy' has no attribute {name!r}")
