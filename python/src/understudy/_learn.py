"""Behavioural cloning and DAgger, on NumPy arrays.

The trainings are the library's own, with the bits that the command `understudy` gives for the same
data, settings and seed. They read datasets in folders: arrays are written into a temporary one.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._episodes import Demos, as_actions, collect, drive, evaluate
from ._policy import Policy, as_policy, check_seed, task_of
from ._task import END_NAMES, Simulations, Task, as_task

_BLOCKS = 10  # that rows of unknown episodes are cut into


@dataclass(frozen=True, eq=False)
class BCResult:
    """What behavioural cloning gave."""

    policy: Policy  #: the weights of the best epoch
    last: Policy  #: those of the last one
    train_loss: NDArray[np.float64]  #: [epochs] mean over each epoch's minibatches
    val_loss: NDArray[np.float64]  #: [epochs] on the episodes held out; NaN: none were
    best_epoch: int  #: index of the lowest validation loss; without one, the last
    updates: int  #: Adam's steps

    def __repr__(self) -> str:
        loss = self.val_loss if np.isfinite(self.val_loss).all() else self.train_loss
        return f"<BCResult: {len(loss)} epochs, loss {loss[self.best_epoch]:.5f}>"


@dataclass(frozen=True, eq=False)
class DaggerRound:
    """One round of DAgger. Round 0 is cloned from the demonstrations alone."""

    round: int
    policy: Policy  #: trained on everything up to this round
    labels: int  #: expert's labels that it was trained on
    beta: float  #: share of steps at which the expert acted in this round's episodes
    train_loss: float  #: the last epoch's
    collect_return: float  #: mean return of the episodes that this round added
    select_returns: NDArray[
        np.float64
    ]  #: of its policy, on the episodes that choose the best round
    select_mean: float
    seconds: float  #: collecting, labelling, training


@dataclass(frozen=True, eq=False)
class DaggerResult:
    """What DAgger gave."""

    rounds: list[DaggerRound]
    best: int  #: the round with the highest select_mean

    @property
    def policy(self) -> Policy:
        """The best round's."""
        return self.rounds[self.best].policy

    def __repr__(self) -> str:
        mean = self.rounds[self.best].select_mean
        return f"<DaggerResult: {len(self.rounds)} rounds, best {self.best} with {mean:.0f}>"


# ------------------------------------------- Arrays ----------------------------------------------


def _matrix(value: ArrayLike, width: int, what: str, task: Task) -> NDArray[np.float32]:
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{what} are {array.dtype}; expected float32 or float64")
    if array.ndim != 2 or array.shape[1] != width:
        raise ValueError(
            f"{what} have shape {array.shape}; {task.id} takes (n, {width})"
            f"{', contact forces included' if task.contact_obs and what == 'observations' else ''}"
        )
    return np.ascontiguousarray(array, np.float32)


def _lengths(value: ArrayLike | None, n: int) -> NDArray[np.int64]:
    if value is None:
        blocks = np.array_split(np.arange(n), min(_BLOCKS, max(n, 1)))
        return np.array([len(block) for block in blocks], np.int64)
    lengths = np.asarray(value, np.int64)
    if lengths.ndim != 1 or (lengths < 1).any() or lengths.sum() != n:
        raise ValueError(
            f"lengths of episodes have to be 1 or more and add up to the {n} rows there are; "
            f"they add up to {lengths.sum()}"
        )
    return lengths


def _append(
    path: Path,
    task: Task,
    obs: NDArray[np.float32],
    labels: NDArray[np.float32],
    lengths: NDArray[np.int64],
    *,
    behaviour: NDArray[np.float32] | None = None,
    rewards: NDArray[np.float32] | None = None,
    ends: Sequence[str] | None = None,
    round: int = 0,
) -> None:
    """Add episodes to the dataset in a folder, which is made where there is none."""
    if len(obs) != len(labels):
        raise ValueError(f"{len(obs)} observations and {len(labels)} actions")
    if rewards is not None and np.shape(rewards) != (len(obs),):
        raise ValueError(f"{len(obs)} observations and rewards of shape {np.shape(rewards)}")
    if ends is not None and len(ends) != len(lengths):
        raise ValueError(f"{len(lengths)} episodes and {len(ends)} ends")
    if len(obs) == 0:
        raise ValueError("there are no rows to learn from")
    numbers = [END_NAMES.index(end) for end in ends or ["limit"] * len(lengths)]
    _native.call(
        "dataset_append",
        path,
        task._handle,
        "understudy for Python",
        obs,
        labels,
        labels if behaviour is None else behaviour,
        np.zeros(len(obs), np.float32) if rewards is None else rewards,
        lengths,
        np.array(numbers, np.uint8),
        len(lengths),
        round,
    )


def _append_demos(path: Path, demos: Demos) -> None:
    # Anybody may make a Demos of arrays that do not fit each other.
    task = demos.task
    obs = _matrix(demos.observations, task.obs_dim, "observations", task)
    _append(
        path,
        task,
        obs,
        _matrix(demos.actions, task.act_dim, "actions", task),
        _lengths(demos.lengths, len(obs)),
        rewards=np.ascontiguousarray(demos.rewards, np.float32),
        ends=demos.ends,
    )


# ------------------------------------------- Behavioural cloning ---------------------------------


def bc(
    observations: ArrayLike | Demos,
    actions: ArrayLike | None = None,
    *,
    task: str | Task | None = None,
    lengths: ArrayLike | None = None,
    hidden: Sequence[int] = (256, 256),
    activation: str = "relu",
    output: str = "tanh",
    init: str = "pytorch",
    epochs: int = 100,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    val_fraction: float = 0.1,
    patience: int = 0,
    seed: int = 0,
    threads: int = 0,
    checkpoint: str | os.PathLike[str] | None = None,
    callback: _native.Callback | None = None,
) -> BCResult:
    """Behavioural cloning: regression of the expert's actions (mean squared error, Adam).

    Args:
        observations: [n, O], or what `collect` gave (then without actions).
        actions: [n, A] in the task's unit.
        task: an id or a Task; for a Demos, its own.
        lengths: [E] rows of each episode, in order. Validation holds out whole episodes, since
            neighbouring rows are too alike; None: ten blocks of rows stand in for episodes.
        hidden, activation, output, init: the network. "relu", "tanh", "sigmoid", "elu", "silu",
            "gelu", "leaky_relu", "softplus", "identity"; a tanh output is scaled to the task's
            bounds.
        epochs: at most; with patience > 0 it stops after so many without a better validation loss.
        val_fraction: share of the episodes held out; 0: none.
        seed: of weights, order and episodes held out.
        checkpoint: a file that is written every few seconds and when the training is interrupted;
            called again with the same arguments, the training goes on from it, with the same bits.
        callback: told of progress; returning True stops (`Interrupted`).

    Raises:
        ValueError: arrays that do not fit the task, settings out of range, numbers that are not
            finite (the message says where).
        KeyboardInterrupt: Ctrl-C; the checkpoint, if any, is written first.
    """
    if isinstance(observations, Demos):
        if actions is not None or lengths is not None:
            raise TypeError("a Demos has its actions and lengths: none can be given besides")
        task = observations.task if task is None else as_task(task, {})
    else:
        if task is None or actions is None:
            raise TypeError("arrays need actions, and a task that says what they are of")
        task = as_task(task, {})
        obs = _matrix(observations, task.obs_dim, "observations", task)
        labels = _matrix(actions, task.act_dim, "actions", task)
        runs = _lengths(lengths, len(obs))
    settings = _native.settings_text(
        {
            "hidden": tuple(hidden),
            "activation": activation,
            "output": output,
            "init": init,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "weight_decay": weight_decay,
            "val_fraction": val_fraction,
            "patience": patience,
        }
    )
    training = _native.make(
        "bc_create", "bc_destroy", task._handle, settings, check_seed(seed), 0, threads, keeps=task
    )
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        data = Path(folder, "data")
        if isinstance(observations, Demos):
            _append_demos(data, observations)
        else:
            _append(data, task, obs, labels, runs)
        with _native.Watch(callback) as progress:
            _native.call("bc_train", training, data, "bc", checkpoint, progress)
    result = _bc_result(training)
    if checkpoint is not None:
        Path(checkpoint).unlink(missing_ok=True)  # it is finished
    return result


def _bc_result(training: _native.Handle) -> BCResult:
    n = _native.call("bc_epochs", training)
    train_loss, val_loss = np.empty(n), np.empty(n)
    _native.call("bc_curve", training, train_loss, val_loss)

    def policy(best: int) -> Policy:
        return Policy(_native.make("bc_policy", "policy_destroy", training, best))

    return BCResult(
        policy=policy(1),
        last=policy(0),
        train_loss=train_loss,
        val_loss=val_loss,
        best_epoch=_native.call("bc_best_epoch", training),
        updates=_native.call("bc_updates", training),
    )


# ------------------------------------------- DAgger ----------------------------------------------


def dagger(
    expert: Policy | str | os.PathLike[str] | Callable[[NDArray[np.float32]], Any],
    task: str | Task | None = None,
    *,
    demos: Demos | None = None,
    initial_episodes: int = 10,
    rounds: int = 10,
    episodes_per_round: int = 10,
    beta_schedule: str = "constant",
    beta: float = 0.0,
    beta_rounds: int = 5,
    warm_start: bool = False,
    select_episodes: int = 10,
    hidden: Sequence[int] = (256, 256),
    activation: str = "relu",
    output: str = "tanh",
    init: str = "pytorch",
    epochs: int = 100,
    batch_size: int = 256,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.0,
    val_fraction: float = 0.0,
    patience: int = 0,
    seed: int = 0,
    threads: int = 0,
    out: str | os.PathLike[str] | None = None,
    callback: _native.Callback | None = None,
    **options: Any,
) -> DaggerResult:
    """DAgger (Ross, Gordon & Bagnell 2011): the learner acts, the expert labels what it meets.

    Args:
        expert: a policy, a file or a shipped expert's name; or a function of yours from
            observations [n, O] float32 to actions [n, A], which labels and never shares the acting
            (beta 0).
        task: an id or a Task; None: the expert's.
        demos: the expert's demonstrations, the first initial_episodes of which are taken; None:
            they are collected.
        rounds: of collecting episodes_per_round episodes, labelling and training.
        beta_schedule, beta, beta_rounds: the share of steps at which the expert acts in a round's
            episodes: "constant" beta; "linear" down to 0 in beta_rounds; "exponential" beta^(i-1).
        warm_start: go on from the last round's weights instead of fresh ones.
        select_episodes: episodes a round that choose the best one.
        hidden ... patience: of each round's training, as `bc`'s.
        out: a folder for the dataset, every round's policy and the state; called again with the
            same arguments, the work goes on from there, with the same bits. (Not for functions.)
        callback: told of progress; returning True stops (`Interrupted`).
        options: of the task (see Task).
    """
    learning: dict[str, Any] = {
        "hidden": tuple(hidden),
        "activation": activation,
        "output": output,
        "init": init,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "val_fraction": val_fraction,
        "patience": patience,
    }
    teaching: dict[str, Any] = {
        "initial_episodes": initial_episodes,
        "rounds": rounds,
        "episodes_per_round": episodes_per_round,
        "beta_schedule": beta_schedule,
        "beta": beta,
        "beta_rounds": beta_rounds,
        "warm_start": warm_start,
        "select_episodes": select_episodes,
    }
    if task is None and demos is not None:
        task = demos.task
    if callable(expert) and not isinstance(expert, Policy):
        if out is not None or beta_schedule != "constant" or beta != 0:
            raise ValueError("out and beta are for policies: a function only labels")
        if task is None:
            raise ValueError("a function does not say of which task it is: pass task='Ant-v5'")
        task = as_task(task, options)
        return _by_function(expert, task, demos, teaching, learning, seed, threads, callback)
    policy = as_policy(expert)
    task = task_of(policy, task, options)
    sims = Simulations(task, 1, threads)
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        given = None
        if demos is not None:
            given = Path(folder, "demos")
            _append_demos(given, demos)
        with _native.Watch(callback) as progress:
            work = _native.make(
                "dagger_open",
                "dagger_close",
                sims.handle,
                policy._handle,
                _native.settings_text(teaching),
                _native.settings_text(learning),
                given,
                check_seed(seed),
                Path(folder, "run") if out is None else out,
                threads,
                progress,
                keeps=(sims, policy, progress),
            )
            try:
                while _native.call("dagger_step", work):
                    pass
                return _dagger_result(work)
            finally:
                work.close()


def _dagger_result(work: _native.Handle) -> DaggerResult:
    rounds = []
    for i in range(_native.call("dagger_rounds", work)):
        facts = json.loads(_native.call("dagger_round", work, i))
        rounds.append(
            DaggerRound(
                round=i,
                policy=Policy(_native.make("dagger_policy", "policy_destroy", work, i)),
                labels=facts["labels"],
                beta=facts["beta"],
                train_loss=facts["train_loss"],
                collect_return=facts["collect_return"],
                select_returns=np.array(facts["select_returns"]),
                select_mean=facts["select_mean"],
                seconds=facts["seconds"],
            )
        )
    return DaggerResult(rounds, _native.call("dagger_best", work))


def _by_function(
    expert: Callable[[NDArray[np.float32]], Any],
    task: Task,
    demos: Demos | None,
    teaching: dict[str, Any],
    learning: dict[str, Any],
    seed: int,
    threads: int,
    callback: _native.Callback | None,
) -> DaggerResult:
    """The same rounds and seeds as the library's own, with a function's labels."""
    if teaching["rounds"] < 1:
        raise ValueError(f"rounds is {teaching['rounds']}; expected at least 1")
    n, per_round = teaching["initial_episodes"], teaching["episodes_per_round"]
    if demos is None:
        start = _seed_range(seed, "demos")
        demos = drive(expert, task, n, start, threads, callback, "expert demonstrations")
    demos = demos.first(n)
    settings, rounds = _native.settings_text(learning), []
    labels, learner = len(demos), None
    with tempfile.TemporaryDirectory(prefix="understudy-") as folder:
        data = Path(folder, "data")
        for i in range(teaching["rounds"] + 1):
            began = time.monotonic()
            if learner is None:
                _append_demos(data, demos)
                met = demos
            else:
                first = _seed_range(seed, "dagger") + (i - 1) * per_round
                met = collect(
                    learner,
                    task,
                    episodes=per_round,
                    seed=first,
                    threads=threads,
                    callback=callback,
                )
                chosen = as_actions(expert(met.observations), len(met), task)
                _append(
                    data,
                    task,
                    met.observations,
                    chosen,
                    met.lengths,
                    behaviour=met.actions,
                    rewards=met.rewards,
                    ends=met.ends,
                    round=i,
                )
                labels += len(met)
            training = _native.make(
                "bc_create", "bc_destroy", task._handle, settings, check_seed(seed), i + 1, threads
            )
            if teaching["warm_start"] and learner is not None:
                _native.call("bc_warm_start", training, learner._handle)
            stage = f"DAgger {i}/{teaching['rounds']}: train"
            with _native.Watch(callback) as progress:
                _native.call("bc_train", training, data, stage, None, progress)
            trained = _bc_result(training)
            learner = trained.policy
            seconds = time.monotonic() - began
            select = evaluate(
                learner,
                task,
                episodes=teaching["select_episodes"],
                seed=_seed_range(seed, "select"),
                threads=threads,
                callback=callback,
            )
            rounds.append(
                DaggerRound(
                    round=i,
                    policy=learner,
                    labels=labels,
                    beta=0.0 if i else 1.0,
                    train_loss=float(trained.train_loss[-1]),
                    collect_return=float(met.returns.mean()),
                    select_returns=select.returns,
                    select_mean=select.mean,
                    seconds=seconds,
                )
            )
    best = max(rounds, key=lambda r: r.select_mean)
    return DaggerResult(rounds, best.round)


def _seed_range(seed: int, purpose: str) -> int:
    """First reset seed of a purpose in a run of that seed, as the library lays them out."""
    first = np.empty(1, np.uint64)
    _native.call("seed_range", check_seed(seed), purpose, first)
    return int(first[0])
