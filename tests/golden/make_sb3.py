"""Models saved by Stable-Baselines3, and what it says that they do: for tests/unit/test_sb3.c.

    make_sb3.py FOLDER [--samples]

--samples: the few small ones that lie in tests/data/sb3; else every algorithm with every activation
and several sizes. Runs with Stable-Baselines3 2.x on Gymnasium and, for files as they were then, with
1.x on Gym. Beside NAME.zip lie

    NAME.expected.safetensors   obs [N, O], action [N, A] (deterministic), log_std [N, A] of SAC's head
    NAME.vecnormalize.pkl       where the model was trained on normalised observations
    NAME.refused.txt            instead of the first: a part of the message with which it is refused
"""
import argparse, io, os, pickle, sys, zipfile

import numpy as np
import stable_baselines3 as sb3
import torch as th
from safetensors.numpy import save_file
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize
from torch import nn

old = sb3.__version__.startswith("1.")
if old:
    import gym
    import gym.utils.seeding
    from gym import spaces
else:
    import gymnasium as gym
    from gymnasium import spaces

try:
    import sb3_contrib
except ImportError:
    sb3_contrib = None

O, A, ROWS = 5, 2, 32


class Env(gym.Env):
    """Noise of the right shape."""

    def __init__(self, obs=None, act=None):
        self.observation_space = obs or spaces.Box(-np.inf, np.inf, (O,), np.float64)
        self.action_space = act or spaces.Box(np.float32([-2, -0.4]), np.float32([3, 0.4]), dtype=np.float32)
        self.rng = np.random.default_rng(7)

    def draw(self):
        space = self.observation_space
        if not isinstance(space, spaces.Box) or len(space.shape) != 1:
            return space.sample()
        return self.rng.normal(1, 2, space.shape).astype(space.dtype)

    def reset(self, seed=None, options=None):
        return self.draw() if old else (self.draw(), {})

    def step(self, action):
        return (self.draw(), 0.0, False, {}) if old else (self.draw(), 0.0, False, False, {})

    def seed(self, seed=None):
        return [seed]


def make(algorithm, env=None, stir=True, **kwargs):
    """A model with weights drawn so that actions fill their bounds, and leave them unsquashed."""
    kwargs.setdefault("seed", 1)
    if "PPO" in algorithm.__name__:
        kwargs.setdefault("n_steps", 4)
        kwargs.setdefault("batch_size", 4)
    if issubclass(algorithm, sb3.common.off_policy_algorithm.OffPolicyAlgorithm):
        kwargs.setdefault("buffer_size", 10)
    policy = kwargs.pop("policy", "MlpPolicy")
    model = algorithm(policy, env or Env(), device="cpu", **kwargs)
    generator = th.Generator().manual_seed(5)
    for p in model.policy.parameters() if stir else []:
        fan = p.shape[1] if p.dim() == 2 else 4
        p.data = th.randn(p.shape, generator=generator, dtype=p.dtype) * (1.5 / fan**0.5)
    return model


def draw_obs(model):
    rng = np.random.default_rng(3)
    return rng.normal(1, 2, (ROWS, *model.observation_space.shape)).astype(model.observation_space.dtype)


def head_of(model, obs):
    actor = getattr(model.policy, "actor", None)
    if actor is None or not isinstance(getattr(actor, "log_std", None), nn.Linear):
        return None
    with th.no_grad():
        _, log_std, _ = actor.get_action_dist_params(th.as_tensor(np.float32(obs)))
    return log_std.numpy().astype(np.float64)


def keep(folder, name, model, normalize=None, protocol=None, transform=None):
    path = os.path.join(folder, name)
    model.save(path + ".zip")
    obs = draw_obs(model)
    seen = normalize.normalize_obs(obs) if normalize else obs
    if transform:
        transform(path + ".zip")
    action, _ = model.predict(seen, deterministic=True)
    numbers = {"obs": obs.astype(np.float64), "action": action.astype(np.float64)}
    head = head_of(model, seen)
    if head is not None:
        numbers["log_std"] = head
    save_file({k: np.ascontiguousarray(v) for k, v in numbers.items()}, path + ".expected.safetensors")
    if normalize:
        with open(path + ".vecnormalize.pkl", "wb") as f:
            pickle.dump(normalize, f, protocol=protocol or pickle.DEFAULT_PROTOCOL)


def refuse(folder, name, model, words, transform=None):
    path = os.path.join(folder, name)
    model.save(path + ".zip")
    if transform:
        transform(path + ".zip")
    with open(path + ".refused.txt", "w") as f:
        f.write(words + "\n")


def normalized_env(norm_obs=True, clip_obs=1.5):
    """Statistics of a few steps, and clipping that most observations meet."""
    env = VecNormalize(DummyVecEnv([Env]), norm_obs=norm_obs, clip_obs=clip_obs)
    env.reset()
    for _ in range(200):
        env.step(np.zeros((1, A), np.float32))
    env.training = False
    return env


# ------------------------------------------------------------------ what is done to files afterwards


def rewrite(path, change):
    """The zip again, with the entries that change(name, data) gives; None leaves one as it is."""
    with zipfile.ZipFile(path) as z:
        parts = [(i.filename, z.read(i)) for i in z.infolist()]
    with zipfile.ZipFile(path, "w") as z:
        for name, data in parts:
            z.writestr(name, change(name, data) or data)


def deflated(path):
    with zipfile.ZipFile(path) as z:
        parts = [(i.filename, z.read(i)) for i in z.infolist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in parts:
            z.writestr(name, data)


def weights_saved(how, **kwargs):
    """policy.pth saved again, each tensor passed through how."""

    def change(name, data):
        if name != "policy.pth":
            return None
        tensors = th.load(io.BytesIO(data), weights_only=True)
        out = io.BytesIO()
        th.save({k: how(v) for k, v in tensors.items()}, out, **kwargs)
        return out.getvalue()

    return lambda path: rewrite(path, change)


def strided(t):
    """The same numbers as every second one of a larger storage, transposed where there are rows."""
    wide = th.full(tuple(2 * n + 1 for n in reversed(t.shape)), float("nan"))
    view = wide[tuple(slice(1, None, 2) for _ in t.shape)]
    view.copy_(t.t() if t.dim() == 2 else t)
    return view.t() if t.dim() == 2 else view


# ------------------------------------------------------------------ the models


def algorithms():
    found = [sb3.SAC, sb3.TD3, sb3.DDPG, sb3.PPO, sb3.A2C]
    return found + ([sb3_contrib.TQC] if sb3_contrib else [])


def on_policy(algorithm):
    return algorithm in (sb3.PPO, sb3.A2C)


def arch(algorithm, pi):
    return dict(pi=pi, vf=[2]) if on_policy(algorithm) else dict(pi=pi, qf=[2])


def make_old(folder):
    shared = "shared" if sb3.__version__ < "1.8" else None
    version = sb3.__version__.replace(".", "")[:2]
    for algorithm in algorithms():
        name = f"{algorithm.__name__.lower()}-v{version}"
        pi = arch(algorithm, [4])
        keep(folder, name, make(algorithm, policy_kwargs=dict(net_arch=[pi] if on_policy(algorithm) else pi)))
        if shared and on_policy(algorithm):
            keep(folder, name + "-shared", make(algorithm, policy_kwargs=dict(net_arch=[6, 5, dict(pi=[4], vf=[3])])))
            keep(folder, name + "-all-shared", make(algorithm, policy_kwargs=dict(net_arch=[6, 5])))
    # Spaces of Gym before 0.22 kept another generator.
    for state in ("numpy", "gym"):
        env = Env()
        env.action_space._np_random = np.random.RandomState(3) if state == "numpy" else gym.utils.seeding.np_random(3)[0]
        keep(folder, f"td3-v{version}-{state}", make(sb3.TD3, env))
    env = normalized_env()
    keep(folder, f"ppo-v{version}-normalized", make(sb3.PPO, env), env)
    keep(folder, f"sac-v{version}-gsde", make(sb3.SAC, use_sde=True, policy_kwargs=dict(net_arch=[6])))
    keep(folder, f"ppo-v{version}-gsde", make(sb3.PPO, use_sde=True, policy_kwargs=dict(squash_output=True)))


def make_samples(folder):
    for algorithm in algorithms():
        keep(folder, algorithm.__name__.lower(), make(algorithm, policy_kwargs=dict(net_arch=arch(algorithm, [6, 4]))))
    env = normalized_env()
    elu = dict(net_arch=arch(sb3.PPO, [6]), activation_fn=nn.ELU)
    keep(folder, "ppo-normalized", make(sb3.PPO, env, policy_kwargs=elu), env)
    keep(folder, "sac-gsde", make(sb3.SAC, use_sde=True, policy_kwargs=dict(net_arch=arch(sb3.SAC, [6]))))
    squash = dict(net_arch=arch(sb3.PPO, [4]), squash_output=True)
    keep(folder, "ppo-gsde", make(sb3.PPO, use_sde=True, policy_kwargs=squash))
    # As if for tasks of ours, for the command's tests.
    for name, n_obs, n_act, bound in [("ant", 27, 8, 1), ("ant-contact", 105, 8, 1), ("pendulum", 4, 1, 3)]:
        obs = spaces.Box(-np.inf, np.inf, (n_obs,), np.float64)
        env = Env(obs, spaces.Box(-bound, bound, (n_act,), np.float32))
        keep(folder, name, make(sb3.PPO, env, policy_kwargs=dict(net_arch=arch(sb3.PPO, [2]))))
    mish = dict(net_arch=arch(sb3.TD3, [3]), activation_fn=nn.Mish)
    refuse(folder, "td3-mish", make(sb3.TD3, policy_kwargs=mish), "Mish")
    discrete = Env(act=spaces.Discrete(3))
    refuse(folder, "ppo-discrete", make(sb3.PPO, discrete, policy_kwargs=dict(net_arch=[2])), "Discrete")


def make_sizes(folder):
    acts = [nn.ReLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.SiLU, nn.GELU, nn.LeakyReLU, nn.Softplus, nn.Identity]
    archs = [[], [7], [4] * 6, [33, 1, 64]]
    for algorithm in algorithms():
        name = algorithm.__name__.lower()
        keep(folder, name + "-usual", make(algorithm))
        for act in acts:
            keep(folder, f"{name}-{act.__name__.lower()}",
                 make(algorithm, policy_kwargs=dict(net_arch=[8, 6], activation_fn=act)))
        for i, pi in enumerate(archs):
            keep(folder, f"{name}-arch{i}", make(algorithm, policy_kwargs=dict(net_arch=arch(algorithm, pi))))
        env = normalized_env()
        keep(folder, name + "-normalized", make(algorithm, env, policy_kwargs=dict(net_arch=[8])), env)
        off = normalized_env(norm_obs=False)
        keep(folder, name + "-normalized-off", make(algorithm, off), off)
        single = Env(obs=spaces.Box(-5, 5, (O,), np.float32))
        keep(folder, name + "-float32", make(algorithm, single))
        layers = [4] * 8
        refuse(folder, name + "-deep", make(algorithm, policy_kwargs=dict(net_arch=layers)), "more than 8 layers")


def make_others(folder):
    env = normalized_env()
    far = normalized_env(clip_obs=float("inf"))
    keep(folder, "ppo-not-clipped", make(sb3.PPO, far), far)
    for protocol in range(6):  # the head stands on the observation here, and is folded too
        keep(folder, f"sac-head-protocol{protocol}", make(sb3.SAC, env, policy_kwargs=dict(net_arch=[])), env, protocol)
    keep(folder, "sac-deflated", make(sb3.SAC), transform=deflated)
    keep(folder, "sac-double", make(sb3.SAC), transform=weights_saved(lambda t: t.double()))
    keep(folder, "sac-strided", make(sb3.SAC, policy_kwargs=dict(net_arch=[8])), transform=weights_saved(strided))
    keep(folder, "sac-parameters", make(sb3.SAC), transform=weights_saved(nn.Parameter))
    for name, clip, words in [("relu", 2.0, None), ("relu", 0.7, None), ("tanh", 0.0, None), ("tanh", 2.0, "clip_mean=0")]:
        act = nn.ReLU if name == "relu" else nn.Tanh
        model = make(sb3.SAC, use_sde=True, policy_kwargs=dict(net_arch=[6], clip_mean=clip, activation_fn=act))
        if words:
            refuse(folder, f"sac-gsde-{name}{clip}", model, words)
        else:
            keep(folder, f"sac-gsde-{name}{clip}", model)
    keep(folder, "a2c-gsde", make(sb3.A2C, use_sde=True))
    keep(folder, "a2c-adam", make(sb3.A2C, use_rms_prop=False, policy_kwargs=dict(optimizer_class=th.optim.AdamW)))
    keep(folder, "ppo-trained", make(sb3.PPO).learn(16))
    if sb3_contrib:
        keep(folder, "trpo", make(sb3_contrib.TRPO, n_steps=4, batch_size=4))
        keep(folder, "tqc-gsde", make(sb3_contrib.TQC, use_sde=True, policy_kwargs=dict(net_arch=[6])))
    # What is not a policy of linear layers from a vector to a vector.
    image = Env(obs=spaces.Box(0, 255, (36, 36, 3), np.uint8))
    refuse(folder, "ppo-cnn", make(sb3.PPO, image, stir=False, policy="CnnPolicy"), "a policy for images")
    refuse(folder, "sac-cnn", make(sb3.SAC, image, stir=False, policy="CnnPolicy"), "a policy for images")
    both = Env(obs=spaces.Dict(a=spaces.Box(-1, 1, (3,)), b=spaces.Box(-1, 1, (2,))))
    refuse(folder, "ppo-dict", make(sb3.PPO, both, stir=False, policy="MultiInputPolicy"), "dictionaries")
    refuse(folder, "td3-dict", make(sb3.TD3, both, stir=False, policy="MultiInputPolicy"), "dictionaries")
    flat = Env(obs=spaces.Box(-1, 1, (3, 2)))
    refuse(folder, "ppo-matrix", make(sb3.PPO, flat, stir=False), "2 dimensions")
    refuse(folder, "dqn", make(sb3.DQN, Env(act=spaces.Discrete(3)), stir=False), "discrete")
    refuse(folder, "ppo-several", make(sb3.PPO, Env(act=spaces.MultiDiscrete([3, 2])), stir=False), "MultiDiscrete")
    refuse(folder, "ppo-prelu", make(sb3.PPO, policy_kwargs=dict(activation_fn=nn.PReLU)), "PReLU")
    refuse(folder, "sac-legacy", make(sb3.SAC), "before 1.6",
           weights_saved(lambda t: t, _use_new_zipfile_serialization=False))
    refuse(folder, "sac-half", make(sb3.SAC), "Half", weights_saved(lambda t: t.half()))
    refuse(folder, "sac-nan", make(sb3.SAC), "nan", weights_saved(lambda t: t * float("nan")))

    class Own(sb3.common.policies.ActorCriticPolicy):
        pass

    class Extractor(sb3.common.torch_layers.BaseFeaturesExtractor):
        def __init__(self, space):
            super().__init__(space, O)

        def forward(self, x):
            return 2 * x

    refuse(folder, "ppo-own", make(sb3.PPO, policy=Own), "maker's own")
    refuse(folder, "ppo-extractor", make(sb3.PPO, policy_kwargs=dict(features_extractor_class=Extractor)), "refuses")
    if sb3_contrib:
        refuse(folder, "ppo-recurrent", make(sb3_contrib.RecurrentPPO, policy="MlpLstmPolicy", stir=False), "recurrent")
        refuse(folder, "crossq", make(sb3_contrib.CrossQ, stir=False), "renormalisation")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--samples", action="store_true")
    args = parser.parse_args()
    os.makedirs(args.folder, exist_ok=True)
    th.set_num_threads(1)
    if old:
        make_old(args.folder)
    elif args.samples:
        make_samples(args.folder)
    else:
        make_sizes(args.folder)
        make_others(args.folder)
    n = len([f for f in os.listdir(args.folder) if f.endswith(".zip")])
    print(f"Stable-Baselines3 {sb3.__version__}: {n} models in {args.folder}")


if __name__ == "__main__":
    main()
