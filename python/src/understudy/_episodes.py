"""Whole episodes of policies: collected, and evaluated."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _native
from ._policy import Policy, as_policy, check_seed, task_of
from ._task import END_NAMES, Simulations, Task, as_task

#: What acts: a policy, a policy file, a shipped expert's name, "random", or a function of yours
#: from observations [n, O] float32 to actions [n, A].
Actor = Policy | str | os.PathLike[str] | Callable[[NDArray[np.float32]], Any]


@dataclass(frozen=True, eq=False)
class Demos:
    """Recorded episodes, their rows one after the other (n rows, E episodes)."""

    task: Task
    observations: NDArray[np.float32]  #: [n, O] before each step
    actions: NDArray[np.float32]  #: [n, A] what was executed
    rewards: NDArray[np.float32]  #: [n]
    lengths: NDArray[np.int64]  #: [E] control steps
    returns: NDArray[np.float64]  #: [E] sum of rewards
    speeds: NDArray[np.float64]  #: [E] m/s, mean
    ends: tuple[str, ...]  #: [E] "limit", "too_low", "too_high", "unhealthy"
    seeds: NDArray[np.uint64]  #: [E] of the reset
    #: Of collect(..., physics=True): [n, nq] and [n, nv] float64, the state before each step.
    qpos: NDArray[np.float64] | None = field(default=None, repr=False)
    qvel: NDArray[np.float64] | None = field(default=None, repr=False)
    #: The same: [n] m after each step (NaN where the task has no height), and m/s.
    height: NDArray[np.float32] | None = field(default=None, repr=False)
    x_velocity: NDArray[np.float32] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        """Rows."""
        return len(self.observations)

    @property
    def episode(self) -> NDArray[np.int64]:
        """[n] which episode a row is of."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def time(self) -> NDArray[np.int64]:
        """[n] control steps since the episode's reset."""
        first = np.cumsum(self.lengths) - self.lengths
        return np.arange(len(self)) - np.repeat(first, self.lengths)

    def first(self, episodes: int) -> Demos:
        """The first so many episodes."""
        if not 1 <= episodes <= len(self.lengths):
            raise ValueError(f"{episodes} episodes of {len(self.lengths)}")
        rows = int(self.lengths[:episodes].sum())

        def cut(array: Any) -> Any:
            return None if array is None else array[:rows]

        return Demos(
            task=self.task,
            observations=cut(self.observations),
            actions=cut(self.actions),
            rewards=cut(self.rewards),
            lengths=self.lengths[:episodes],
            returns=self.returns[:episodes],
            speeds=self.speeds[:episodes],
            ends=self.ends[:episodes],
            seeds=self.seeds[:episodes],
            qpos=cut(self.qpos),
            qvel=cut(self.qvel),
            height=cut(self.height),
            x_velocity=cut(self.x_velocity),
        )


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Returns of a policy over E episodes, and what can be said of them."""

    returns: NDArray[np.float64]  #: [E] sum of rewards, undiscounted
    lengths: NDArray[np.int64]  #: [E] control steps
    speeds: NDArray[np.float64]  #: [E] m/s, mean over the episode
    ends: tuple[str, ...]  #: [E] "limit", "too_low", "too_high", "unhealthy"
    mean: float
    std: float  #: sample standard deviation
    iqm: float  #: interquartile mean
    ci: tuple[float, float]  #: 95 % bootstrap interval of the mean
    falls: int  #: episodes that the task ended
    too_low: int  #: of these, by a torso below the healthy range
    too_high: int  #: and above it
    speed: float  #: m/s, mean over episodes

    def __str__(self) -> str:
        low, high = self.ci
        n = len(self.returns)
        return f"{self.mean:.0f} [{low:.0f}, {high:.0f}], {self.falls} falls in {n} episodes"


def collect(
    policy: Actor,
    task: str | Task | None = None,
    *,
    episodes: int = 10,
    seed: int = 0,
    deterministic: bool = True,
    physics: bool = False,
    threads: int = 0,
    callback: _native.Callback | None = None,
    **options: Any,
) -> Demos:
    """Record whole episodes of a policy. Episode i resets with seed + i.

    Args:
        policy: what acts (`Actor`).
        task: an id or a Task; None: the policy's.
        deterministic: False: actions are drawn from the policy's Gaussian.
        physics: record qpos, qvel, height and forward velocity too (not for a function).
        threads: 0: one per core. The numbers do not depend on it.
        callback: told of progress; returning True stops (`Interrupted`).
        options: of the task (see Task).
    """
    if callable(policy) and not isinstance(policy, Policy):
        if physics or not deterministic:
            raise ValueError("physics and deterministic=False are for policies, not for functions")
        return drive(policy, _named(task, options), episodes, seed, threads, callback)
    actor, task = actor_and_task(policy, task, options)
    sims = Simulations(task, 1, threads)
    with _native.Watch(callback) as progress:
        handle = _native.make(
            "rollout",
            "episodes_destroy",
            sims.handle,
            actor,
            None,
            0.0,
            episodes,
            check_seed(seed),
            int(not deterministic),
            int(physics),
            "collect",
            progress,
            keeps=sims,
        )
    return _demos_of(handle, task, episodes, seed, physics)


def _demos_of(handle: _native.Handle, task: Task, n: int, seed: int, physics: bool) -> Demos:
    lengths, returns = np.empty(n, np.int64), np.empty(n)
    speeds, ends = np.empty(n), np.empty(n, np.uint8)
    _native.call("episodes_facts", handle, lengths, returns, speeds, ends)
    rows = int(lengths.sum())
    obs = np.empty((rows, task.obs_dim), np.float32)
    actions = np.empty((rows, task.act_dim), np.float32)
    rewards = np.empty(rows, np.float32)
    _native.call("episodes_rows", handle, obs, actions, rewards)
    more: dict[str, Any] = {}
    if physics:
        more = {
            "qpos": np.empty((rows, task.nq)),
            "qvel": np.empty((rows, task.nv)),
            "height": np.empty(rows, np.float32),
            "x_velocity": np.empty(rows, np.float32),
        }
        _native.call("episodes_physics", handle, *more.values())
    return Demos(
        task=task,
        observations=obs,
        actions=actions,
        rewards=rewards,
        lengths=lengths,
        returns=returns,
        speeds=speeds,
        ends=tuple(END_NAMES[e] for e in ends),
        seeds=check_seed(seed) + np.arange(n, dtype=np.uint64),
        **more,
    )


def evaluate(
    policy: Actor,
    task: str | Task | None = None,
    *,
    episodes: int = 20,
    seed: int = 0,
    deterministic: bool = True,
    threads: int = 0,
    callback: _native.Callback | None = None,
    **options: Any,
) -> Evaluation:
    """Returns of a policy. Episode i resets with seed + i, as a Gymnasium user would write it.

    Arguments are collect's. A function is asked with all running episodes' observations at once.
    """
    if callable(policy) and not isinstance(policy, Policy):
        if not deterministic:
            raise ValueError("deterministic=False is for policies, not for functions")
        demos = drive(policy, _named(task, options), episodes, seed, threads, callback)
        return _evaluation_of(demos, seed)
    actor, task = actor_and_task(policy, task, options)
    sims = Simulations(task, 1, threads)
    with _native.Watch(callback) as progress:
        text = _native.make_text(
            "evaluate",
            sims.handle,
            actor,
            episodes,
            check_seed(seed),
            int(not deterministic),
            progress,
        )
    facts = json.loads(text)
    return Evaluation(
        returns=np.array(facts["returns"]),
        lengths=np.array(facts["lengths"], np.int64),
        speeds=np.array(facts["speeds"]),
        ends=tuple(facts["ends"]),
        mean=facts["mean"],
        std=facts["std"],
        iqm=facts["iqm"],
        ci=(facts["ci95"][0], facts["ci95"][1]),
        falls=facts["falls"],
        too_low=facts["too_low"],
        too_high=facts["too_high"],
        speed=facts["speed_mean"],
    )


def _evaluation_of(demos: Demos, seed: int) -> Evaluation:
    facts = np.empty(5)
    _native.call("statistics", demos.returns, len(demos.returns), check_seed(seed), facts)
    mean, std, iqm, low, high = facts.tolist()
    return Evaluation(
        returns=demos.returns,
        lengths=demos.lengths,
        speeds=demos.speeds,
        ends=demos.ends,
        mean=mean,
        std=std,
        iqm=iqm,
        ci=(low, high),
        falls=sum(end not in ("none", "limit") for end in demos.ends),
        too_low=demos.ends.count("too_low"),
        too_high=demos.ends.count("too_high"),
        speed=float(demos.speeds.mean()),
    )


# ------------------------------------------- Who acts, on what ------------------------------------


def _named(task: str | Task | None, options: dict[str, Any]) -> Task:
    if task is None:
        raise ValueError("a function does not say of which task it is: pass task='Ant-v5'")
    return as_task(task, options)


def actor_and_task(
    policy: Policy | str | os.PathLike[str],
    task: str | Task | None,
    options: dict[str, Any],
) -> tuple[_native.Handle, Task]:
    """The library's policy and the task that it acts in. They fit each other."""
    if policy == "random":
        task = _named(task, options)
        return _native.make("policy_random", "policy_destroy", task._handle), task
    policy = as_policy(policy)
    task = task_of(policy, task, options)
    _native.call("policy_check", policy._handle, task._handle)
    return policy._handle, task


def drive(
    act: Callable[[NDArray[np.float32]], Any],
    task: Task,
    episodes: int,
    seed: int,
    threads: int,
    callback: _native.Callback | None,
    stage: str = "collect",
) -> Demos:
    """Record whole episodes of a function, several at a time.

    What it records and how episodes are seeded is as in the library's own rollouts.
    """
    if task.max_episode_steps < 1:
        raise ValueError(f"{task!r} has no time limit, so an episode may never end")
    if episodes < 1:
        raise ValueError(f"{episodes} episodes; expected at least 1")
    first, n = check_seed(seed), min(episodes, 64)
    sims = Simulations(task, n, threads)
    rows: list[list[tuple[Any, Any, float, float]]] = [[] for _ in range(episodes)]
    returns, ends = np.zeros(episodes), [""] * episodes
    job = np.arange(n)  # which episode a simulation runs; -1: none is left
    queue = n
    action = np.zeros((n, task.act_dim))
    told = -math.inf
    sims.move(np.full(n, _native.MOVE_RESEED, np.uint8), first + job.astype(np.uint64))
    while (job >= 0).any():
        active = np.flatnonzero(job >= 0)
        obs = sims.obs[active].astype(np.float32)
        chosen = as_actions(act(obs), len(active), task)
        action[active] = chosen
        moves = np.zeros(n, np.uint8)
        moves[active] = _native.MOVE_STEP
        sims.move(moves, None, action)
        fresh, seeds = np.zeros(n, np.uint8), np.zeros(n, np.uint64)
        for k, i in enumerate(active):
            j = job[i]
            rows[j].append((obs[k], chosen[k], float(sims.reward[i]), float(sims.x_velocity[i])))
            returns[j] += sims.reward[i]
            if sims.ends[i, :2].any():
                ends[j] = END_NAMES[sims.ends[i, 2]]
                job[i] = queue if queue < episodes else -1
                queue += 1
                fresh[i] = _native.MOVE_RESEED if job[i] >= 0 else 0
                seeds[i] = first + max(int(job[i]), 0)
        if fresh.any():
            sims.move(fresh, seeds)
        done = sum(end != "" for end in ends)
        if callback and (done == episodes or time.monotonic() > told + 0.2):
            told = time.monotonic()
            stop = callback(_native.Progress(stage, done, episodes, "episodes", "")) is True
            if stop and done < episodes:
                raise _native.Interrupted(f"{stage}: interrupted", "UDY_EINTERRUPTED")
    flat = [row for episode in rows for row in episode]
    return Demos(
        task=task,
        observations=np.stack([row[0] for row in flat]),
        actions=np.stack([row[1] for row in flat]),
        rewards=np.array([row[2] for row in flat], np.float32),
        lengths=np.array([len(episode) for episode in rows], np.int64),
        returns=returns,
        speeds=np.array([float(np.mean([row[3] for row in e])) for e in rows]),
        ends=tuple(ends),
        seeds=first + np.arange(episodes, dtype=np.uint64),
    )


def as_actions(value: Any, n: int, task: Task) -> NDArray[np.float32]:
    """What a function gave, as actions of n observations."""
    actions = np.asarray(value)
    if actions.shape != (n, task.act_dim):
        raise ValueError(
            f"the function gave actions of shape {actions.shape} for {n} observations of "
            f"{task.id}; expected ({n}, {task.act_dim})"
        )
    return np.ascontiguousarray(actions, np.float32)
