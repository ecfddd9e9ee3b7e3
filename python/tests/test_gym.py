"""Gymnasium's interface, by Gymnasium's own environment checker and beside its own tasks."""

import warnings

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402
from gymnasium.vector import AutoresetMode, SyncVectorEnv  # noqa: E402

import understudy  # noqa: E402

# Gymnasium's default; ours leaves contact forces out.
OPTIONS = {"Ant-v5": {"include_cfrc_ext_in_observation": True}}
MODES = [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP, AutoresetMode.DISABLED]


@pytest.mark.parametrize("task", understudy.tasks())
def test_gymnasiums_checker_passes(task):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        check_env(gymnasium.make(f"understudy/{task}").unwrapped)
        check_env(understudy.Env(task, **OPTIONS.get(task, {})))
    # Its own tasks draw these remarks too: bounds of observations are infinite, and the pendulum's
    # action is not in [-1, 1]; that nothing is rendered is so.
    for warning in told:
        text = str(warning.message)
        assert any(w in text for w in ("infinity", "normalized space", "render")), text


@pytest.mark.parametrize("task", understudy.tasks())
def test_numbers_are_gymnasiums_own_bit_for_bit(task):
    pytest.importorskip("mujoco")
    options = OPTIONS.get(task, {})
    theirs = gymnasium.make(task, disable_env_checker=True, **options)
    ours = gymnasium.make(f"understudy/{task}", disable_env_checker=True, **options)
    assert ours.observation_space == theirs.observation_space
    assert ours.action_space == theirs.action_space
    assert ours.spec.max_episode_steps == theirs.spec.max_episode_steps
    assert ours.spec.reward_threshold == theirs.spec.reward_threshold
    rng = np.random.default_rng(7)
    a, b = theirs.reset(seed=11)[0], ours.reset(seed=11)[0]
    assert a.tobytes() == b.tobytes() and a.dtype == b.dtype
    over = 0
    for step in range(400):
        action = rng.uniform(-1, 1, theirs.action_space.shape)  # float64: see understudy.gym
        a, b = theirs.step(action), ours.step(action)
        assert a[0].tobytes() == b[0].tobytes(), (task, step)
        assert abs(a[1] - b[1]) < 1e-12 and a[2:4] == b[2:4]
        for key, value in b[4].items():
            if key in a[4]:
                assert abs(a[4][key] - value) < 1e-12, key
        assert "reward_ctrl" in b[4] or "Inverted" in task
        if b[2] or b[3] or step % 150 == 149:  # also in the middle of an episode
            over += b[2] or b[3]
            # Without a seed the generator goes on.
            assert theirs.reset()[0].tobytes() == ours.reset()[0].tobytes()
    assert over or task in ("HalfCheetah-v5", "Ant-v5")


def test_states_are_gymnasiums_own_bit_for_bit():
    pytest.importorskip("mujoco")
    options = {
        "include_cfrc_ext_in_observation": False,
        "exclude_current_positions_from_observation": False,
    }
    theirs = gymnasium.make("Ant-v5", disable_env_checker=True, **options)
    ours = understudy.Env("Ant-v5", **options)
    theirs.reset(seed=2)
    ours.reset(seed=2)
    for _ in range(50):
        action = ours.action_space.sample().astype(np.float64)
        theirs.step(action)
        obs = ours.step(action)[0]
        data = theirs.unwrapped.data
        assert np.array_equal(obs, np.concatenate([data.qpos, data.qvel]))


def same(a, b, where):
    """Equal infos: dictionaries of arrays, and of dictionaries."""
    assert a.keys() == b.keys(), where
    for key, value in a.items():
        if isinstance(value, dict):
            same(value, b[key], f"{where} {key}")
        elif value.dtype == object:
            assert len(value) == len(b[key])
            for x, y in zip(value, b[key], strict=True):
                assert (x is None) == (y is None) and np.array_equal(x, y), f"{where} {key}"
        else:
            assert value.dtype == b[key].dtype and np.array_equal(value, b[key]), f"{where} {key}"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("task", ["Ant-v5", "Hopper-v5"])
def test_many_simulations_are_as_gymnasiums_loop_over_single_ones(task, mode):
    n, options = 5, {"max_episode_steps": 23}
    loop = SyncVectorEnv(
        [lambda: understudy.Env(task, **options) for _ in range(n)], autoreset_mode=mode
    )
    ours = understudy.make_vec(task, n, autoreset_mode=mode, **options)
    assert ours.metadata["autoreset_mode"] is mode
    assert ours.observation_space == loop.observation_space
    assert ours.action_space == loop.action_space
    seed = [4, 9, 2**40, 0, 1]
    same(loop.reset(seed=seed)[1], ours.reset(seed=seed)[1], "reset")
    rng, over = np.random.default_rng(1), 0
    for step in range(90):
        action = rng.uniform(-1, 1, ours.action_space.shape)
        a, b = loop.step(action), ours.step(action)
        for x, y in zip(a[:4], b[:4], strict=True):
            assert np.array_equal(x, y) and x.dtype == y.dtype, step
        same(a[4], b[4], f"step {step}")
        ended = b[2] | b[3]
        over += ended.sum()
        if mode is AutoresetMode.DISABLED and ended.any():
            with pytest.raises(ValueError, match="are over"):
                ours.step(action)
            assert np.array_equal(
                loop.reset(options={"reset_mask": ended.copy()})[0],
                ours.reset(options={"reset_mask": ended.copy()})[0],
            )
        if step == 50:  # some seeded, others going on
            mixed = [None, 3, None, 8, None]
            assert np.array_equal(loop.reset(seed=mixed)[0], ours.reset(seed=mixed)[0])
    assert over > 5
    ours.close()
    loop.close()


def test_numbers_do_not_depend_on_threads():
    runs = []
    for threads in (1, 3):
        env = understudy.make_vec("Ant-v5", 6, threads=threads, max_episode_steps=20)
        env.reset(seed=5)
        actions = np.random.default_rng(0).uniform(-1, 1, (40, 6, 8))
        runs.append(np.stack([env.step(action)[0] for action in actions]))
    assert runs[0].tobytes() == runs[1].tobytes()


def test_gymnasium_makes_them_by_name():
    one = gymnasium.make("understudy/Ant-v5", max_episode_steps=7, reset_noise_scale=0.0)
    assert one.unwrapped.task.options["reset_noise_scale"] == 0.0
    one.reset(seed=0)
    steps = [one.step(np.zeros(8))[3] for _ in range(7)]
    assert steps == [False] * 6 + [True]
    longer = gymnasium.make("understudy/HalfCheetah-v5", max_episode_steps=1200)
    longer.reset(seed=0)
    assert not any(longer.step(np.zeros(6))[3] for _ in range(1100))
    many = gymnasium.make_vec("understudy/Ant-v5", 3, vectorization_mode="vector_entry_point")
    assert isinstance(many, understudy.VectorEnv) and many.task.max_episode_steps == 1000
    assert gymnasium.spec("understudy/Ant-v5").reward_threshold == 6000.0
    with pytest.raises(ValueError, match="render"):
        understudy.Env("Ant-v5", render_mode="human")


def test_arguments_that_do_not_fit_are_refused_in_words():
    env = understudy.make_vec("Ant-v5", 2)
    with pytest.raises(ValueError, match="must be reset"):
        env.step(np.zeros((2, 8)))
    env.reset(seed=1)
    with pytest.raises(ValueError, match=r"\(2, 7\); expected \(2, 8\)"):
        env.step(np.zeros((2, 7)))
    with pytest.raises(ValueError, match=r"action\[3\] is nan"):
        env.step(np.where(np.arange(8) == 3, np.nan, 0.0) * np.ones((2, 1)))
    for seed in ([1], -1, [2**64, 0]):
        with pytest.raises(ValueError, match="seed"):
            env.reset(seed=seed)
    with pytest.raises(ValueError, match="reset_mask"):
        env.reset(options={"reset_mask": np.zeros(2, bool)})
    with pytest.raises(ValueError, match="simulations"):
        understudy.make_vec("Ant-v5", 0)
    env.close()
    with pytest.raises(ValueError, match="closed"):
        env.step(np.zeros((2, 8)))
    one = understudy.Env("Ant-v5")
    one.reset(seed=3)
    with pytest.raises(ValueError, match=r"\(1, 8\); expected \(8,\)"):
        one.step(np.zeros((1, 8)))


def test_fresh_environments_start_anywhere():
    a, b = understudy.Env("Ant-v5").reset()[0], understudy.Env("Ant-v5").reset()[0]
    assert not np.array_equal(a, b)
    many = understudy.make_vec("Ant-v5", 2).reset()[0]
    assert not np.array_equal(many[0], many[1])
