"""Policies: files, predictions, what they say of themselves, and errors in words."""

import pickle
import threading

import numpy as np
import pytest

import understudy
from understudy import _native


def test_the_package_says_what_there_is():
    assert understudy.__version__ and understudy.mujoco_version == "4.0.0"
    assert "Ant-v5" in understudy.tasks()
    assert understudy.experts()["ant-v5"]["task"] == "Ant-v5"


def test_an_expert_says_what_it_is(expert):
    assert (expert.task, expert.obs_dim, expert.act_dim) == ("Ant-v5", 27, 8)
    assert expert.hidden == (256, 256) and expert.gaussian and not expert.contact_obs
    assert expert.metadata["format"] == "understudy.policy/1"
    assert expert.weights["net.0.weight"].shape == (256, 27)


def test_a_prediction_is_the_network_that_the_weights_say(expert):
    obs = np.random.default_rng(0).normal(size=(50, 27))
    w = {name: tensor.astype(np.float64) for name, tensor in expert.weights.items()}
    x = obs.astype(np.float32).astype(np.float64)
    for layer in (0, 2):
        x = np.maximum(x @ w[f"net.{layer}.weight"].T + w[f"net.{layer}.bias"], 0)
    expected = np.tanh(x @ w["net.4.weight"].T + w["net.4.bias"])
    action = expert.predict(obs)
    assert action.dtype == np.float32 and action.shape == (50, 8)
    assert np.abs(action - expected).max() < 1e-5


def test_a_row_has_the_same_bits_in_a_batch_and_alone_whatever_its_type(expert):
    obs = np.random.default_rng(1).normal(size=(7, 27)).astype(np.float32)
    batch = expert.predict(obs)
    for i in range(7):
        assert np.array_equal(expert.predict(obs[i]), batch[i])
    assert np.array_equal(expert.predict(obs.astype(np.float64)), batch)
    assert np.array_equal(expert.predict(np.asfortranarray(obs)), batch)
    assert expert.predict(obs[:0]).shape == (0, 8)


def test_samples_are_of_the_gaussian_and_follow_the_seed(expert):
    obs = np.random.default_rng(2).normal(size=27)
    many = np.tile(obs, (4000, 1))
    drawn = expert.predict(many, deterministic=False, seed=5)
    assert np.array_equal(drawn, expert.predict(many, deterministic=False, seed=5))
    assert not np.array_equal(drawn, expert.predict(many, deterministic=False, seed=6))
    assert not np.array_equal(
        expert.predict(obs, deterministic=False), expert.predict(obs, deterministic=False)
    )
    # The median of tanh(mean + std * noise) is tanh(mean), the deterministic action.
    assert np.abs(np.median(drawn, axis=0) - expert.predict(obs)).max() < 0.1


@pytest.mark.parametrize(
    ("obs", "kind", "words"),
    [
        (np.zeros(27, np.int64), TypeError, "int64; expected float32"),
        (np.zeros(26), ValueError, r"\(26,\); Ant-v5 takes \(27,\)"),
        (np.zeros((2, 2, 27)), ValueError, "shape"),
        (np.float64(3), ValueError, "shape"),
        (np.zeros(27, object), TypeError, "object"),
    ],
)
def test_observations_that_do_not_fit_are_refused_in_words(expert, obs, kind, words):
    with pytest.raises(kind, match=words):
        expert.predict(obs)


def test_a_policy_is_saved_loaded_and_pickled_to_the_same_weights(expert, tmp_path):
    path = tmp_path / "copy.safetensors"
    expert.save(path, note="a copy")
    copy = understudy.load(path)
    again = pickle.loads(pickle.dumps(expert))
    for other in (copy, again, understudy.load(str(path))):
        assert all(np.array_equal(other.weights[k], v) for k, v in expert.weights.items())
    assert copy.metadata["note"] == "a copy" and "note" not in expert.metadata
    with pytest.raises(TypeError, match="note"):
        expert.save(path, note=3)


def test_errors_are_what_python_calls_them(tmp_path):
    with pytest.raises(FileNotFoundError, match="shipped are ant-v5"):
        understudy.load("no-such-expert")
    with pytest.raises(FileNotFoundError) as caught:
        understudy.load(tmp_path / "no.safetensors")
    assert isinstance(caught.value, understudy.UnderstudyError)
    assert caught.value.code == "UDY_ENOENT"
    assert pickle.loads(pickle.dumps(caught.value)).code == "UDY_ENOENT"
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(b"nothing of the sort")
    with pytest.raises(ValueError, match="bad.safetensors"):
        understudy.load(bad)
    with pytest.raises(FileNotFoundError, match='did you mean "Ant-v5"'):
        understudy.Task("Ant-v6")
    with pytest.raises(ValueError, match="reset_noise_scale"):
        understudy.Task("Ant-v5", reset_noise_scal=0.3)
    with pytest.raises(ValueError, match="null character"):
        understudy.load("a\0b")
    with pytest.raises(ValueError, match="line break"):
        understudy.Task("Ant-v5", xml_file="a\nframe_skip=3")


def test_options_have_gymnasiums_names_and_ours(expert):
    theirs = understudy.Task("Ant-v5", include_cfrc_ext_in_observation=True)
    assert theirs.obs_dim == understudy.Task("Ant-v5", contact_obs=True).obs_dim == 105
    whole = understudy.Task("Ant-v5", exclude_current_positions_from_observation=False)
    assert whole.obs_dim == 29 and whole.obs_names[2][1] == "m"
    with pytest.raises(TypeError, match="twice"):
        understudy.Task("Ant-v5", contact_obs=True, include_cfrc_ext_in_observation=True)
    with pytest.raises(ValueError, match="without contact forces"):
        understudy.evaluate(expert, theirs, episodes=1)
    again = pickle.loads(pickle.dumps(theirs))
    assert again.obs_dim == 105 and again.options == theirs.options


def test_threads_share_a_policy(expert):
    obs = np.random.default_rng(3).normal(size=(200, 27))
    expected, wrong = expert.predict(obs), []

    def work():
        for _ in range(20):
            if not np.array_equal(expert.predict(obs), expected):
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_library_is_called_as_it_declares_itself():
    with pytest.raises(TypeError, match="float64"):
        _native.call("statistics", np.zeros(3, np.float32), 3, 0, np.zeros(5))
    with pytest.raises(TypeError, match="contiguous"):
        _native.call("statistics", np.zeros((3, 2))[:, 0], 3, 0, np.zeros(5))
    frozen = np.zeros(5)
    frozen.flags.writeable = False
    with pytest.raises(TypeError, match="contiguous array of float64"):
        _native.call("statistics", np.zeros(3), 3, 0, frozen)
    with pytest.raises(TypeError, match="handle"):
        _native.call("task_facts", None)
    with pytest.raises(ValueError, match="shorter"):
        _native.call("statistics", np.zeros(3), 3, 0)
    handle = understudy.Task("Hopper-v5")._handle
    handle.close()
    with pytest.raises(ValueError, match="closed"):
        _native.call("task_facts", handle)
    handle.close()  # twice is fine
