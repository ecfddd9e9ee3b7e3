"""Tasks, and simulations of them that move together."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native

#: Gymnasium's names of options that are shorter in the library.
_OPTION_NAMES = {
    "include_cfrc_ext_in_observation": "contact_obs",
    "exclude_current_positions_from_observation": "exclude_current_positions",
}


def _names(function: str) -> list[str]:
    """All that a function of the library names, from 0 on."""
    names: list[str] = []
    while (name := _native.call(function, len(names))) is not None:
        names.append(name)
    return names


#: Why an episode ended, by the library's numbers: "none", "limit", "too_low", ...
END_NAMES: tuple[str, ...] = tuple(_names("end_name"))


def tasks() -> list[str]:
    """Ids of the tasks there are."""
    return _names("task_id")


class Task:
    """A task: robot, observation, reward, ending. Immutable; any number of threads may share it.

    Args:
        id: such as "Ant-v5".
        options: Gymnasium's constructor options of that task, such as reset_noise_scale=0.05, and
            max_episode_steps. The default differs from Gymnasium's in one: Ant-v5 leaves contact
            forces out of the observation (27 numbers instead of 105) unless contact_obs=True
            (Gymnasium's include_cfrc_ext_in_observation).
    """

    def __init__(self, id: str, **options: Any) -> None:
        settings: dict[str, object] = {"model_dir": _native.DATA / "models"}
        for key, value in options.items():
            name = _OPTION_NAMES.get(key, key)
            if name in settings and name != "model_dir":
                raise TypeError(f"option {name} is given twice, once by Gymnasium's name")
            settings[name] = value
        self._handle = _native.make(
            "task_create", "task_destroy", id, _native.settings_text(settings)
        )
        facts = json.loads(_native.call("task_facts", self._handle))
        self._options = dict(options)
        #: "Ant-v5"
        self.id: str = facts["id"]
        self.obs_dim: int = facts["obs_dim"]
        self.act_dim: int = facts["act_dim"]
        #: Sizes of MuJoCo's qpos and qvel.
        self.nq: int = facts["nq"]
        self.nv: int = facts["nv"]
        #: Bounds of actions, [A] float64.
        self.act_low: NDArray[np.float64] = np.array(facts["act_low"])
        self.act_high: NDArray[np.float64] = np.array(facts["act_high"])
        #: Seconds a control step.
        self.dt: float = facts["dt"]
        #: The time limit in control steps; 0: none.
        self.max_episode_steps: int = facts["max_episode_steps"]
        #: A return at which Gymnasium calls the task solved; None where it says nothing.
        self.reward_threshold: float | None = facts["reward_threshold"]
        #: Are contact forces in the observation?
        self.contact_obs: bool = facts["contact_obs"]
        #: Names of the reward's terms, Gymnasium's info keys.
        self.reward_terms: tuple[str, ...] = tuple(facts["reward_terms"])
        #: Name and unit of each number of an observation: ("torso z", "m").
        self.obs_names: tuple[tuple[str, str], ...] = tuple(
            (o["name"], o["unit"]) for o in facts["observation"]
        )

    @property
    def options(self) -> Mapping[str, Any]:
        """The options that it was made with."""
        return dict(self._options)

    def __repr__(self) -> str:
        extra = "".join(f", {k}={v!r}" for k, v in self._options.items())
        return f"Task({self.id!r}{extra})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _task_again, (self.id, self._options)


def _task_again(id: str, options: dict[str, Any]) -> Task:
    return Task(id, **options)


def as_task(task: str | Task, options: Mapping[str, Any]) -> Task:
    """A task from its id and options, or as it is."""
    if isinstance(task, Task):
        if options:
            raise TypeError(f"{task!r} has its options: {', '.join(options)} cannot be added")
        return task
    if not isinstance(task, str):
        raise TypeError(
            f"task is {type(task).__name__}; expected an id such as 'Ant-v5', or a Task"
        )
    return Task(task, **options)


class Simulations:
    """N simulations of a task that move together, on all cores: what environments are made of.

    Attributes are of the last move; rows of simulations that did not move keep theirs.

        obs         [N, O] float64
        reward      [N] float64
        terms       [N, len(task.reward_terms)] float64
        x_velocity  [N] float64, m/s
        torso_z     [N] float64, m; NaN where the task has none
        ends        [N, 3] uint8: terminated, truncated, index into END_NAMES
    """

    def __init__(self, task: Task, n: int, threads: int = 0) -> None:
        self.task, self.n = task, n
        self.handle = _native.make(
            "sims_create", "sims_destroy", task._handle, n, threads, keeps=task._handle
        )
        self._lock = threading.Lock()  # one call at a time
        self.obs: NDArray[np.float64] = np.zeros((n, task.obs_dim))
        self.reward: NDArray[np.float64] = np.zeros(n)
        self.terms: NDArray[np.float64] = np.zeros((n, len(task.reward_terms)))
        self.x_velocity: NDArray[np.float64] = np.zeros(n)
        self.torso_z: NDArray[np.float64] = np.zeros(n)
        self.ends: NDArray[np.uint8] = np.zeros((n, 3), np.uint8)

    def move(
        self,
        moves: NDArray[np.uint8],
        seeds: NDArray[np.uint64] | None = None,
        action: NDArray[np.float64] | None = None,
    ) -> None:
        """Let each simulation do its move: step with its action [A], reset, or neither."""
        with self._lock:
            if not self.handle.address:
                raise ValueError("these simulations are closed")
            _native.call(
                "sims_move",
                self.handle,
                moves,
                seeds,
                action,
                self.obs,
                self.reward,
                self.terms,
                self.x_velocity,
                self.torso_z,
                self.ends,
            )

    def close(self) -> None:
        """Free them now."""
        with self._lock:
            self.handle.close()
