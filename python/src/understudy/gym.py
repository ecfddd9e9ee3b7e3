"""Gymnasium's interface to the tasks: `Env` for one simulation, `VectorEnv` for many on all cores.

States, observations and rewards equal those of Gymnasium's own tasks for the same seeds and float64
actions, bit for bit. (Given float32 actions, Gymnasium sums the control cost in float32; here it is
float64 throughout.)
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import ArrayLike, NDArray

from ._native import MOVE_NONE, MOVE_RESEED, MOVE_RESET, MOVE_STEP
from ._policy import check_seed
from ._task import END_NAMES, Simulations, Task, as_task, tasks

Observation = NDArray[np.float64]
Action = NDArray[Any]


def _spaces(task: Task) -> tuple[Any, Any]:
    """Of one observation and one action."""
    observation = gymnasium.spaces.Box(-np.inf, np.inf, (task.obs_dim,), np.float64)
    low, high = task.act_low.astype(np.float32), task.act_high.astype(np.float32)
    return observation, gymnasium.spaces.Box(low, high, dtype=np.float32)


def _no_rendering(render_mode: str | None) -> None:
    if render_mode is not None:
        raise ValueError(
            f"render_mode is {render_mode!r}; these environments draw nothing (None). The command "
            "`understudy render` makes videos"
        )


def _entropy() -> int:
    return int.from_bytes(os.urandom(8), "little")


class Env(gymnasium.Env[Observation, Action]):
    """One simulation of a task.

    Args:
        task: an id or a Task.
        options: of the task (see Task), among them max_episode_steps: truncation is the task's own.

    Observations are [O] float64, actions [A]. info has the reward's terms by Gymnasium's names,
    "x_velocity" (m/s), "torso_z" (m) where the task has it, and at an episode's end "end": "limit",
    "too_low", "too_high" or "unhealthy".
    """

    metadata: dict[str, Any] = {"render_modes": []}

    def __init__(
        self, task: str | Task = "Ant-v5", *, render_mode: str | None = None, **options: Any
    ) -> None:
        _no_rendering(render_mode)
        self.task = as_task(task, options)
        self.observation_space, self.action_space = _spaces(self.task)
        self._sims = Simulations(self.task, 1, 1)
        self._seeded = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode. Without a seed the generator goes on from reset to reset."""
        super().reset(seed=seed)
        if seed is None and not self._seeded:
            seed = _entropy()
        move = MOVE_RESET if seed is None else MOVE_RESEED
        seeds = np.array([check_seed(seed or 0)], np.uint64)
        self._sims.move(np.array([move], np.uint8), seeds)
        self._seeded = True
        return self._sims.obs[0].copy(), {}

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One control step with an action [A], which is not clipped."""
        sims, row = self._sims, np.asarray(action, np.float64)
        if row.shape != (self.task.act_dim,):
            raise ValueError(f"action has shape {row.shape}; expected ({self.task.act_dim},)")
        sims.move(np.array([MOVE_STEP], np.uint8), None, np.ascontiguousarray(row[None]))
        info = dict(zip(self.task.reward_terms, sims.terms[0].tolist(), strict=True))
        info["x_velocity"] = float(sims.x_velocity[0])
        if not np.isnan(sims.torso_z[0]):
            info["torso_z"] = float(sims.torso_z[0])
        terminated, truncated, end = sims.ends[0].tolist()
        if end:
            info["end"] = END_NAMES[end]
        return sims.obs[0].copy(), float(sims.reward[0]), terminated == 1, truncated == 1, info

    def close(self) -> None:
        """Free the simulation."""
        self._sims.close()


class VectorEnv(gymnasium.vector.VectorEnv[Observation, Action, NDArray[Any]]):
    """N simulations of a task that step together, on all cores.

    Args:
        task: an id or a Task.
        num_envs: N.
        autoreset_mode: as Gymnasium defines them. NEXT_STEP: an episode's last observation is
            returned, the next step ignores the action and resets. SAME_STEP: the step that ends an
            episode resets, its last observation and info are infos["final_obs"], ["final_info"].
            DISABLED: reset(options={"reset_mask": mask}) does it.
        threads: 0: one per core. Numbers do not depend on it.
        options: of the task (see Task).

    Observations are [N, O] float64, actions [N, A]; infos as `Env`'s, each key an array [N] with a
    mask "_key".
    """

    def __init__(
        self,
        task: str | Task = "Ant-v5",
        num_envs: int = 1,
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        threads: int = 0,
        render_mode: str | None = None,
        **options: Any,
    ) -> None:
        _no_rendering(render_mode)
        self.task = as_task(task, options)
        self.num_envs = num_envs
        self.autoreset_mode = AutoresetMode(autoreset_mode)
        self.metadata = {"render_modes": [], "autoreset_mode": self.autoreset_mode}
        self._sims = Simulations(self.task, num_envs, threads)
        self.single_observation_space, self.single_action_space = _spaces(self.task)
        batch = gymnasium.vector.utils.batch_space
        self.observation_space = batch(self.single_observation_space, num_envs)
        self.action_space = batch(self.single_action_space, num_envs)
        self._seeded = np.zeros(num_envs, np.bool_)
        self._over = np.zeros(num_envs, np.bool_)  # episodes that have ended and not begun again

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observation, dict[str, Any]]:
        """Start episodes, in all simulations or in those of options["reset_mask"].

        Args:
            seed: simulation i gets seed + i, or seed[i]; None: its generator goes on.
        """
        mask = self._mask((options or {}).get("reset_mask"))
        seeds = self._seeds(seed)
        for i in np.flatnonzero(mask & ~self._seeded):
            seeds[i] = _entropy() if seeds[i] is None else seeds[i]
        moves = np.full(self.num_envs, MOVE_NONE, np.uint8)
        numbers = np.zeros(self.num_envs, np.uint64)
        for i in np.flatnonzero(mask):
            given = seeds[i]
            moves[i] = MOVE_RESET if given is None else MOVE_RESEED
            numbers[i] = 0 if given is None else check_seed(given)
        self._sims.move(moves, numbers)
        self._seeded |= mask
        self._over &= ~mask
        return self._sims.obs.copy(), {}

    def _mask(self, mask: Any) -> NDArray[np.bool_]:
        if mask is None:
            return np.ones(self.num_envs, np.bool_)
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_:
            raise TypeError("options['reset_mask'] has to be a NumPy array of bool")
        if mask.shape != (self.num_envs,) or not mask.any():
            raise ValueError(
                f"options['reset_mask'] has shape {mask.shape} and {mask.sum()} True; expected "
                f"({self.num_envs},) and at least one"
            )
        return mask

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None:
            return [None] * self.num_envs
        if isinstance(seed, (int, np.integer)):
            return [int(seed) + i for i in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"{len(seed)} seeds for {self.num_envs} simulations")
        return list(seed)

    def step(
        self, actions: ArrayLike
    ) -> tuple[Observation, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """One control step of every simulation with actions [N, A], which are not clipped."""
        rows = np.ascontiguousarray(actions, np.float64)
        if rows.shape != self.action_space.shape:
            raise ValueError(f"actions have shape {rows.shape}; expected {self.action_space.shape}")
        waiting = self._over.copy()
        if waiting.any() and self.autoreset_mode == AutoresetMode.DISABLED:
            raise ValueError(
                f"episodes of simulations {np.flatnonzero(waiting).tolist()} are over: reset them "
                "with options={'reset_mask': mask}"
            )
        sims = self._sims
        sims.move(np.where(waiting, MOVE_RESET, MOVE_STEP).astype(np.uint8), None, rows)
        reward, ends = sims.reward.copy(), sims.ends.copy()
        terminations, truncations = ends[:, 0] != 0, ends[:, 1] != 0
        self._over = terminations | truncations
        infos: dict[str, Any] = {}
        if self.autoreset_mode == AutoresetMode.SAME_STEP and self._over.any():
            final = np.full(self.num_envs, None, object)
            for i in np.flatnonzero(self._over):
                final[i] = sims.obs[i].copy()
            infos["final_obs"], infos["_final_obs"] = final, self._over.copy()
            infos["final_info"] = self._infos(self._over, ends)
            infos["_final_info"] = self._over.copy()
            self._add(infos, ~self._over, ends)
            sims.move(np.where(self._over, MOVE_RESET, MOVE_NONE).astype(np.uint8))
            self._over = np.zeros(self.num_envs, np.bool_)
        else:
            self._add(infos, ~waiting, ends)
        return sims.obs.copy(), reward, terminations, truncations, infos

    def _add(self, infos: dict[str, Any], mask: NDArray[np.bool_], ends: NDArray[np.uint8]) -> None:
        infos.update(self._infos(mask, ends))

    def _infos(self, mask: NDArray[np.bool_], ends: NDArray[np.uint8]) -> dict[str, Any]:
        """Env.step's info of the simulations in mask, as arrays."""
        infos: dict[str, Any] = {}
        if not mask.any():
            return infos
        columns = dict(zip(self.task.reward_terms, self._sims.terms.T, strict=True))
        columns["x_velocity"] = self._sims.x_velocity
        if not np.isnan(self._sims.torso_z[mask]).any():
            columns["torso_z"] = self._sims.torso_z
        for name, values in columns.items():
            infos[name], infos["_" + name] = np.where(mask, values, 0.0), mask.copy()
        ended = mask & (ends[:, 2] != 0)
        if ended.any():
            names = np.full(self.num_envs, None, object)
            for i in np.flatnonzero(ended):
                names[i] = END_NAMES[ends[i, 2]]
            infos["end"], infos["_end"] = names, ended
        return infos

    def close_extras(self, **kwargs: Any) -> None:
        """Free the simulations."""
        self._sims.close()


def make_vec(task: str | Task, num_envs: int, **options: Any) -> VectorEnv:
    """`VectorEnv(task, num_envs, **options)`."""
    return VectorEnv(task, num_envs, **options)


# ------------------------------------------- gymnasium.make --------------------------------------


def _make(task: str, **options: Any) -> Env:
    # The time limit is the wrapper's that gymnasium.make adds, so that its argument decides.
    return Env(task, max_episode_steps=0, **options)


def _make_vec(task: str, num_envs: int, max_episode_steps: int = 0, **options: Any) -> VectorEnv:
    return VectorEnv(task, num_envs, max_episode_steps=max_episode_steps, **options)


def _register() -> None:
    """Tell Gymnasium of the tasks, as "understudy/Ant-v5", ..."""
    for name in tasks():
        task = Task(name)
        gymnasium.register(
            id=f"understudy/{name}",
            entry_point=f"{__name__}:_make",
            vector_entry_point=f"{__name__}:_make_vec",
            reward_threshold=task.reward_threshold,
            max_episode_steps=task.max_episode_steps or None,
            kwargs={"task": name},
        )


_register()
