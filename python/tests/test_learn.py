"""Episodes, behavioural cloning and DAgger: the command's numbers, and what interrupts them."""

import dataclasses
import json
import os
import signal
import subprocess
import threading

import numpy as np
import pytest

import understudy

SMALL = {"hidden": (32,), "epochs": 3}


def run(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def same_weights(a, b):
    x, y = a.weights, b.weights
    return x.keys() == y.keys() and all(np.array_equal(x[k], y[k]) for k in x)


def test_recorded_episodes_are_consistent(demos):
    assert demos.task.id == "Ant-v5" and demos.lengths.tolist() == [100] * 4
    assert demos.ends == ("limit",) * 4 and demos.seeds.tolist() == [3, 4, 5, 6]
    assert len(demos) == 400 and demos.observations.shape == (400, 27)
    assert demos.episode[[0, 99, 100]].tolist() == [0, 0, 1]
    assert demos.time[[0, 99, 100]].tolist() == [0, 99, 0]
    sums = demos.rewards.reshape(4, 100).sum(axis=1)
    assert np.allclose(sums, demos.returns, rtol=1e-5)
    # Without contact forces an observation is the state without its place on the plane.
    assert np.array_equal(demos.qpos[:, 2:].astype(np.float32), demos.observations[:, :13])
    assert np.array_equal(demos.qvel.astype(np.float32), demos.observations[:, 13:])
    assert np.allclose(demos.x_velocity.reshape(4, 100).mean(axis=1), demos.speeds)
    # A seed out of an array is one too; half a seed is none.
    one = understudy.collect("random", "Hopper-v5", episodes=2, seed=np.int64(3))
    assert one.seeds.dtype == np.uint64 and one.seeds.tolist() == [3, 4]
    with pytest.raises(TypeError, match="integer"):
        understudy.collect("random", "Hopper-v5", episodes=2, seed=1.5)
    two = demos.first(2)
    assert len(two) == len(two.qpos) == 200
    assert np.array_equal(two.returns, demos.returns[:2])


def test_a_function_acts_as_the_policy_that_it_calls(expert):
    kept = {"episodes": 6, "seed": 8, "max_episode_steps": 60}
    a = understudy.collect(expert, **kept)
    b = understudy.collect(expert.predict, "Ant-v5", **kept)
    for name in ("observations", "actions", "rewards", "lengths", "returns", "seeds"):
        assert np.array_equal(getattr(a, name), getattr(b, name)), name
    assert a.ends == b.ends
    e = understudy.evaluate(expert, **kept)
    f = understudy.evaluate(expert.predict, "Ant-v5", **kept)
    assert np.array_equal(e.returns, f.returns)
    assert (e.mean, e.std, e.iqm, e.ci, e.falls) == (f.mean, f.std, f.iqm, f.ci, f.falls)
    with pytest.raises(ValueError, match=r"shape \(6, 7\) for 6 observations"):
        understudy.collect(lambda obs: np.zeros((len(obs), 7)), "Ant-v5", episodes=6)


def test_falls_are_told_apart():
    fallen = understudy.evaluate("random", "Ant-v5", episodes=8, seed=1)
    assert (
        fallen.falls == fallen.too_low + fallen.too_high == sum(e != "limit" for e in fallen.ends)
    )
    lazy = understudy.evaluate(lambda obs: np.zeros((len(obs), 3)), "Hopper-v5", episodes=3, seed=0)
    assert lazy.falls == 3 and lazy.lengths.max() < 1000


def test_an_evaluation_is_the_commands(program, expert):
    told = json.loads(run(program, "evaluate", "ant-v5", "--episodes", 3, "--seed", 40, "--json"))
    ours = understudy.evaluate(expert, episodes=3, seed=40)
    assert ours.returns.tolist() == told["returns"] and list(ours.ci) == told["ci95"]
    assert ours.lengths.tolist() == told["lengths"] and ours.iqm == told["iqm"]


def test_cloning_is_the_commands(program, expert, tmp_path):
    collect = ["demos", "collect", "--expert", "ant-v5", "--episodes", 4, "--seed", 3, "--quiet"]
    run(program, *collect, "--out", tmp_path / "demos", "--set", "max_episode_steps=100")
    settings = ["--set", "hidden=[32]", "--set", "epochs=3", "--seed", 9]
    run(
        program,
        "bc",
        tmp_path / "demos",
        "--out",
        tmp_path / "bc.safetensors",
        "--quiet",
        *settings,
    )
    demos = understudy.collect(expert, episodes=4, seed=3, max_episode_steps=100)
    ours = understudy.bc(demos, seed=9, **SMALL)
    assert same_weights(ours.policy, understudy.load(tmp_path / "bc.safetensors"))


def test_arrays_and_recorded_episodes_train_alike(demos):
    a = understudy.bc(demos, **SMALL)
    b = understudy.bc(
        demos.observations.astype(np.float64),
        demos.actions,
        task="Ant-v5",
        lengths=demos.lengths,
        threads=1,
        **SMALL,
    )
    assert np.array_equal(a.train_loss, b.train_loss) and np.array_equal(a.val_loss, b.val_loss)
    assert a.best_epoch == int(np.argmin(a.val_loss)) and a.updates == 6
    assert a.train_loss[-1] < a.train_loss[0]
    assert same_weights(a.policy, b.policy) and a.policy.task == "Ant-v5"
    none = understudy.bc(demos, val_fraction=0, **SMALL)
    assert np.isnan(none.val_loss).all() and none.best_epoch == 2
    assert same_weights(none.policy, none.last)
    blocks = understudy.bc(demos.observations, demos.actions, task="Ant-v5", **SMALL)
    assert np.isfinite(blocks.val_loss).all()


def test_arrays_that_do_not_fit_are_refused_in_words(demos):
    obs, act = demos.observations, demos.actions
    cases = [
        ((obs, act[:-1]), {"task": "Ant-v5"}, "400 observations and 399 actions"),
        ((obs[:, :5], act), {"task": "Ant-v5"}, r"\(400, 5\); Ant-v5 takes \(n, 27\)"),
        ((obs, act), {"task": "Ant-v5", "lengths": [3, 4]}, "add up to 7"),
        ((obs, act), {"task": "Ant-v5", "batch_size": 0}, "batch_size"),
        ((obs, act), {"task": "Ant-v5", "activation": "rellu"}, "relu"),
        ((obs * np.nan, act), {"task": "Ant-v5"}, "row 0"),
        ((obs[:0], act[:0]), {"task": "Ant-v5"}, "no rows"),
        ((demos,), {"patience": 3, "val_fraction": 0}, "patience"),
    ]
    for arrays, options, words in cases:
        with pytest.raises(ValueError, match=words):
            understudy.bc(*arrays, **options)
    with pytest.raises(TypeError, match="task"):
        understudy.bc(obs, act)
    with pytest.raises(TypeError, match="lengths"):
        understudy.bc(demos, lengths=[400])
    half = dataclasses.replace(demos, observations=obs[:200], actions=act[:200])
    with pytest.raises(ValueError, match="add up to 400"):
        understudy.bc(half, **SMALL)
    for name, words in (("rewards", "rewards of shape"), ("ends", "4 episodes and 3 ends")):
        short = dataclasses.replace(demos, **{name: getattr(demos, name)[:3]})
        with pytest.raises(ValueError, match=words):
            understudy.bc(short, **SMALL)


def test_a_callback_is_told_stops_and_may_fail(demos):
    told = []
    understudy.bc(demos, callback=told.append, **SMALL)
    assert told[-1].done == told[-1].total and told[-1].unit == "updates"
    assert "epoch 3/3" in told[-1].note
    with pytest.raises(understudy.Interrupted):
        understudy.bc(demos, callback=lambda progress: True, **SMALL)
    with pytest.raises(ZeroDivisionError):
        understudy.bc(demos, callback=lambda progress: 1 // 0, **SMALL)
    with pytest.raises(understudy.Interrupted):
        understudy.evaluate("random", "HalfCheetah-v5", episodes=50, callback=lambda p: True)

    def lazy(obs):
        return np.zeros((len(obs), 3))

    # The same of a function's episodes, few as they may be.
    few = understudy.collect(lazy, "Hopper-v5", episodes=3, callback=told.append)
    assert told[-1] == understudy.Progress("collect", 3, 3, "episodes", "") and len(few.lengths) == 3
    with pytest.raises(understudy.Interrupted):
        understudy.collect(lazy, "Hopper-v5", episodes=3, callback=lambda p: True)


def test_ctrl_c_saves_and_the_training_goes_on_to_the_same_bits(demos, tmp_path):
    path, settings = tmp_path / "half.safetensors", {"hidden": (64, 64), "epochs": 400, "seed": 2}
    whole = understudy.bc(demos, **settings)

    def press(progress):  # at the first word, which comes after the first update
        signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        understudy.bc(demos, checkpoint=path, callback=press, **settings)
    assert signal.getsignal(signal.SIGINT) is before and path.exists()
    resumed = understudy.bc(demos, checkpoint=path, **settings)
    assert np.array_equal(resumed.train_loss, whole.train_loss)
    assert same_weights(resumed.policy, whole.policy) and not path.exists()


def test_ctrl_c_reaches_work_without_a_callback():
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        understudy.evaluate("random", "HalfCheetah-v5", episodes=5000)
    timer.join()


DAGGER = {
    "initial_episodes": 2,
    "rounds": 2,
    "episodes_per_round": 2,
    "select_episodes": 2,
    **SMALL,
}


def test_dagger_labels_what_the_learner_meets(expert, demos, tmp_path):
    options = {"demos": demos, "seed": 4, **DAGGER}
    told = []
    result = understudy.dagger(expert, callback=told.append, out=tmp_path / "run", **options)
    assert [r.round for r in result.rounds] == [0, 1, 2]
    assert [r.beta for r in result.rounds] == [1, 0, 0]
    labels = [r.labels for r in result.rounds]
    assert labels[0] == 200 and labels[0] < labels[1] < labels[2]
    assert result.best == int(np.argmax([r.select_mean for r in result.rounds]))
    assert result.policy is result.rounds[result.best].policy
    assert any("DAgger 2/2: train" in p.stage for p in told)
    # The same folder: nothing is left to do, and nothing else comes out.
    again = understudy.dagger(expert, out=tmp_path / "run", **options)
    fresh = understudy.dagger(expert, **options)
    for other in (again, fresh):
        for a, b in zip(result.rounds, other.rounds, strict=True):
            assert same_weights(a.policy, b.policy) and a.select_mean == b.select_mean


def test_dagger_is_the_commands(program, expert, tmp_path):
    arguments = ["dagger", "--expert", "ant-v5", "--out", tmp_path / "run", "--quiet", "--seed", 4]
    for key, value in DAGGER.items():
        name = f"bc.{key}" if key in SMALL else key
        arguments += ["--set", f"{name}={list(value) if isinstance(value, tuple) else value}"]
    run(program, *arguments, "--set", "max_episode_steps=100")
    ours = understudy.dagger(expert, seed=4, max_episode_steps=100, **DAGGER)
    for r in ours.rounds:
        theirs = understudy.load(
            tmp_path / "run" / "policies" / f"dagger-{r.round:02d}.safetensors"
        )
        assert same_weights(r.policy, theirs)


def test_a_function_may_be_the_expert(expert):
    options = {"seed": 4, "max_episode_steps": 100, **DAGGER}
    a = understudy.dagger(expert, **options)
    b = understudy.dagger(lambda obs: expert.predict(obs), "Ant-v5", **options)
    # Labels differ in their last bits only (a batch's sums run in another order).
    assert [r.labels for r in a.rounds][0] == [r.labels for r in b.rounds][0]
    assert a.rounds[0].select_mean == b.rounds[0].select_mean
    assert len(b.rounds) == 3 and b.rounds[2].labels > b.rounds[1].labels
    warm = understudy.dagger(lambda obs: expert.predict(obs), "Ant-v5", warm_start=True, **options)
    assert not same_weights(warm.rounds[1].policy, b.rounds[1].policy)
    with pytest.raises(ValueError, match="only labels"):
        understudy.dagger(expert.predict, "Ant-v5", beta=0.5, **DAGGER)


def test_ctrl_c_in_dagger_keeps_its_rounds(expert, demos, tmp_path):
    options = {"demos": demos, "seed": 6, "out": tmp_path / "run", **DAGGER}

    def press(progress):
        if "2/2: collect" in progress.stage:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        understudy.dagger(expert, callback=press, **options)
    stages = []
    resumed = understudy.dagger(expert, callback=lambda p: stages.append(p.stage), **options)
    assert not any("0/2" in stage or "1/2" in stage for stage in stages)
    whole = understudy.dagger(expert, **{**options, "out": tmp_path / "other"})
    assert same_weights(resumed.rounds[2].policy, whole.rounds[2].policy)
