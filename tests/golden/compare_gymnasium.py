#!/usr/bin/env python3
"""Compare `understudy` with Gymnasium on seeds drawn afresh, both ways. Run by compare_gymnasium.sh.

One way: actions drawn here are run by Gymnasium and by `understudy replay`. Observations, states
and endings must be equal bit for bit, rewards and their terms to 1e-12.
Other way: episodes that `understudy demos collect` played are run again by Gymnasium.
"""
import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gymnasium
import numpy as np
from safetensors.numpy import load_file, save_file

ANT_XML = str(Path(gymnasium.__file__).parent / "envs" / "mujoco" / "assets" / "ant.xml")

# Options by Gymnasium's names; max_episode_steps goes to make() with them.
ANT = {"include_cfrc_ext_in_observation": False}
CASES = [
    ("Ant-v5", ANT),
    ("Ant-v5", {}),
    ("Ant-v5", {"exclude_current_positions_from_observation": False}),
    ("Ant-v5", {**ANT, "healthy_z_range": [0.35, 0.95], "reset_noise_scale": 0.3}),
    ("Ant-v5", {**ANT, "reset_noise_scale": 0.0}),
    ("Ant-v5", {**ANT, "frame_skip": 3, "main_body": 4}),
    ("Ant-v5", {**ANT, "max_episode_steps": 20, "xml_file": ANT_XML}),
    (
        "Ant-v5",
        {
            "forward_reward_weight": 1.7,
            "ctrl_cost_weight": 0.013,
            "contact_cost_weight": 0.003,
            "healthy_reward": 0.4,
            "contact_force_range": [-7.5, 3.25],
            "terminate_when_unhealthy": False,
        },
    ),
    ("HalfCheetah-v5", {}),
    ("HalfCheetah-v5", {"reset_noise_scale": 0.2, "ctrl_cost_weight": 0.03}),
    ("Hopper-v5", {}),
    ("Hopper-v5", {"healthy_z_range": [0.9, 1.5], "forward_reward_weight": 0.3}),
    ("Walker2d-v5", {}),
    ("Walker2d-v5", {"exclude_current_positions_from_observation": False, "frame_skip": 2}),
    ("InvertedPendulum-v5", {}),
    ("InvertedPendulum-v5", {"reset_noise_scale": 0.1, "frame_skip": 1}),
    ("InvertedPendulum-v5", {"max_episode_steps": 5}),
    ("InvertedDoublePendulum-v5", {}),
    ("InvertedDoublePendulum-v5", {"healthy_reward": 3.5, "reset_noise_scale": 0.01}),
]
OURS = {
    "include_cfrc_ext_in_observation": "contact_obs",
    "exclude_current_positions_from_observation": "exclude_current_positions",
}


def draw_actions(rng, n_steps, space):
    """Noise, small noise, noise past the limits (which MuJoCo clamps), or a slow swing."""
    shape, high = (n_steps, space.shape[0]), space.high.astype(np.float64)
    kind = rng.integers(4)
    if kind < 3:
        return rng.uniform(-1, 1, shape) * high * [1.0, 0.2, 2.5][kind]
    phase, rate = rng.uniform(0, 2 * np.pi, shape[1]), rng.uniform(0.05, 0.6, shape[1])
    return high * np.sin(np.arange(n_steps)[:, None] * rate + phase)


def is_reward(key):
    """The reward or one of its terms, by Gymnasium's info keys."""
    return key.startswith("reward") or key.endswith("_penalty")


def run_gymnasium(env, seed, actions):
    base = env.unwrapped
    out = {"obs": [env.reset(seed=seed)[0]], "reward": [], "terminated": [], "truncated": []}
    out["qpos"], out["qvel"] = [base.data.qpos.copy()], [base.data.qvel.copy()]
    for action in actions:
        obs, reward, terminated, truncated, info = env.step(action)
        row = {"obs": obs, "reward": reward, "terminated": terminated, "truncated": truncated}
        row["qpos"], row["qvel"] = base.data.qpos.copy(), base.data.qvel.copy()
        row.update({k: v for k, v in info.items() if is_reward(k)})
        for key, value in row.items():
            out.setdefault(key, []).append(value)
        if terminated or truncated:
            break
    return {key: np.asarray(value, dtype=np.float64) for key, value in out.items()}


def settings_of(task, options):
    """--set for our program; its default leaves contact forces out, Gymnasium's takes them in."""
    settings = {"contact_obs": True} if task == "Ant-v5" else {}
    settings.update({OURS.get(k, k): v for k, v in options.items()})
    return settings


def run_understudy(program, task, seed, actions, settings, folder):
    action_file, out_file = folder / "actions.safetensors", folder / "out.safetensors"
    save_file({"action": np.ascontiguousarray(actions)}, action_file)
    out_file.unlink(missing_ok=True)
    command = [program, "replay", "--task", task, "--seed", str(seed)]
    command += ["--actions", str(action_file), "--out", str(out_file)]
    for key, value in settings.items():
        command += ["--set", f"{key}={json.dumps(value)}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stderr}")
    return load_file(out_file)


def same_bits(a, b):
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()


def compare(ours, theirs, where):
    """Largest difference of a reward or a reward term; exits at the first broken promise."""
    worst = 0.0
    for key, expected in theirs.items():
        if key not in ours:
            sys.exit(f"{where}: understudy wrote no {key}, only {sorted(ours)}")
        found = ours[key].astype(np.float64)
        if is_reward(key):
            if found.shape != expected.shape:
                sys.exit(f"{where}: {key} has shape {found.shape}, Gymnasium's {expected.shape}")
            worst = max(worst, float(np.abs(found - expected).max(initial=0.0)))
            if not worst <= 1e-12:
                sys.exit(f"{where}: {key} differs by {worst}")
        elif not same_bits(found, expected):
            n = min(len(found), len(expected))
            rows = np.nonzero((found[:n] != expected[:n]).reshape(n, -1).any(axis=1))[0]
            sys.exit(
                f"{where}: {key} differs: shapes {found.shape} and {expected.shape}, "
                f"first unequal row {rows[0] if len(rows) else n}"
            )
    return worst


def replay_here_and_there(program, rng, rounds, folder):
    n_steps, n_ends, worst, exact = 0, 0, 0.0, True
    for task, options in CASES:
        env = gymnasium.make(task, disable_env_checker=True, **options)
        settings = settings_of(task, options)
        for _ in range(rounds):
            seed = int(rng.integers(2**32))
            actions = draw_actions(rng, int(rng.integers(1, 400)), env.action_space)
            theirs = run_gymnasium(env, seed, actions)
            ours = run_understudy(program, task, seed, actions, settings, folder)
            where = f"{task} {settings} seed {seed}, {len(actions)} actions"
            worst = max(worst, compare(ours, theirs, where))
            exact = exact and same_bits(ours["reward"], theirs["reward"])
            n_steps += len(theirs["reward"])
            n_ends += int(theirs["terminated"][-1] or theirs["truncated"][-1])
        env.close()
    # A whole episode, to the time limit.
    env = gymnasium.make("HalfCheetah-v5", disable_env_checker=True)
    seed = int(rng.integers(2**32))
    actions = rng.uniform(-1, 1, (1100, 6))
    theirs = run_gymnasium(env, seed, actions)
    ours = run_understudy(program, "HalfCheetah-v5", seed, actions, {}, folder)
    compare(ours, theirs, f"HalfCheetah-v5 seed {seed}, to the time limit")
    if len(ours["reward"]) != 1000 or ours["truncated"][-1] != 1 or ours["terminated"][-1] != 0:
        sys.exit("HalfCheetah-v5 did not end by the time limit at 1000 steps")
    print(
        f"replay equals Gymnasium: {len(CASES) * rounds + 1} episodes, {n_steps + 1000} steps, "
        f"{n_ends + 1} of them to an ending; rewards within {worst:.1e}"
        f"{', bit for bit' if exact else ''}"
    )


def collect_there_and_step_here(program, rng, folder):
    """What the shipped expert did in our simulation, done again in Gymnasium. Data are float32."""
    seed, n_episodes = int(rng.integers(2**31)), 2
    target = folder / "demos"
    command = [program, "demos", "collect", "--expert", "ant-v5", "--episodes", str(n_episodes)]
    command += ["--seed", str(seed), "--out", str(target), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nexit code {done.returncode}\n{done.stderr}")
    shards = [load_file(path) for path in sorted(target.glob("**/*.safetensors"))]
    data = {key: np.concatenate([shard[key] for shard in shards]) for key in shards[0]}
    env = gymnasium.make("Ant-v5", disable_env_checker=True, **ANT)
    n_steps = 0
    for episode in range(n_episodes):
        rows = np.nonzero(data["episode"] == episode)[0]
        if len(rows) == 0:
            sys.exit(f"demos collect, seed {seed}: no rows of episode {episode}")
        actions = data["behaviour"][rows].astype(np.float64)
        theirs = run_gymnasium(env, seed + episode, actions)
        where = f"demos collect, seed {seed}, episode {episode}"
        if not same_bits(theirs["obs"][:-1].astype(np.float32), data["observation"][rows]):
            sys.exit(f"{where}: observations differ")
        for key in ("terminated", "truncated"):
            if not np.array_equal(theirs[key], data[key][rows]):
                sys.exit(f"{where}: {key} differs")
        if not np.allclose(theirs["reward"], data["reward"][rows], rtol=1e-6, atol=1e-7):
            sys.exit(f"{where}: reward differs")
        n_steps += len(rows)
    print(f"Gymnasium equals demos collect: {n_episodes} episodes, {n_steps} steps")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seed", type=int, default=None, help="repeat a run; default: drawn")
    parser.add_argument("--rounds", type=int, default=2, help="episodes a case")
    args = parser.parse_args()
    seed = secrets.randbits(32) if args.seed is None else args.seed
    print(f"Gymnasium {gymnasium.__version__}; repeat with --seed {seed} --rounds {args.rounds}")
    rng = np.random.default_rng(seed)
    begin = time.monotonic()
    program = str(Path(args.program).resolve())
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # MuJoCo's Python package leaves a log file in the current folder
        replay_here_and_there(program, rng, args.rounds, Path(folder))
        collect_there_and_step_here(program, rng, Path(folder))
        os.chdir("/")
    print(f"{time.monotonic() - begin:.1f} s")


if __name__ == "__main__":
    main()
