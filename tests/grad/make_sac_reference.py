#!/usr/bin/env python3
"""Writes tests/data/sac-{plain,batch,layer,histogram,split}.safetensors: complete updates of soft
actor-critic by PyTorch, for tests/grad/test_sac_reference.c.

    python3 tests/grad/make_sac_reference.py tests/data

Written from the papers and from the settings' documentation, in float64 with autograd, torch.optim
and torch.distributions: Haarnoja et al. 2018 (arXiv:1812.05905), CrossQ (arXiv:1902.05605), XQC,
C51's projection (arXiv:1707.06887), HL-Gauss (arXiv:2403.03950). A file has the transitions, the settings (metadata), the
networks before and after some of the updates, and what each update showed. Rows and noise are not
in it: they are drawn from the NumPy streams that the training's own generators equal.

    plain      SAC as published: scalar twin critics, clamped log-std, no normalisation
    batch      XQC's: joint BatchNorm, unit weights, 101 bins, scaled rewards, a falling learning rate
    layer      LayerNorm critics, 3-step returns, squashed log-std
    histogram  HL-Gauss targets, joint BatchNorm with (s', a') as constants, a growing gamma, a
               falling target of the entropy, an averaged policy
    split      BatchNorm by (s, a) alone, targets by running statistics
"""
import copy
import sys

import numpy as np
import torch
from safetensors.torch import save_file
from torch.distributions import Normal, TransformedDistribution
from torch.distributions.transforms import TanhTransform

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

O, A, ROWS = 11, 3, 120  # Hopper-v5's; transitions in the replay
SEED, UPDATES, KEPT = 42, 6, (2, 6)
BN_MOMENTUM, EPS = 0.99, 1e-3

COMMON = dict(n_envs=1, random_steps=1, replay_size=1000, batch_size=64, policy_delay=2,
              actor_hidden=[16, 8], critic_hidden=[16, 8])
VARIANTS = {
    "plain": dict(steps=1001, gamma=0.97, gamma_final=0.97,
                  learning_rate=3e-3, learning_rate_final=3e-3,
                  temperature=0.3, temperature_learning_rate=1e-2, target_average=0.05,
                  log_std_range=[-0.6, 0.4]),
    "batch": dict(steps=21, gamma=0.97, gamma_final=0.97,
                  learning_rate=3e-3, learning_rate_final=1e-3, beta1=0.8,
                  temperature=0.05, temperature_learning_rate=2e-2, target_average=0.1,
                  target_entropy_per_action=-0.5, log_std_range=[-10, 2],
                  actor_norm="batch", critic_norm="batch", actor_unit_weights=True,
                  critic_unit_weights=True, joint_batch=True, joint_gradient=True,
                  value="categorical", bins=101, value_max=5, reward_scaling=True, return_max=5),
    "layer": dict(steps=1001, gamma=0.9, gamma_final=0.9, n_step=3,
                  learning_rate=2e-3, learning_rate_final=2e-3,
                  temperature=0.2, temperature_learning_rate=5e-3, target_average=0.02,
                  log_std_bound="squash", log_std_range=[-5, 2], critic_norm="layer",
                  reward_scaling=True, return_max=0.5),
    "histogram": dict(steps=21, gamma=0.8, gamma_final=0.95, policy_average=0.1,
                      learning_rate=3e-3, learning_rate_final=3e-3, temperature=0.05,
                      temperature_learning_rate=2e-2, target_average=0.1, log_std_range=[-10, 2],
                      actor_norm="batch", critic_norm="batch", joint_batch=True,
                      joint_gradient=False, value="histogram", bins=31, value_max=4,
                      target_entropy_final=-3, target_entropy_hold=0.125),
    "split": dict(steps=1001, gamma=0.9, gamma_final=0.9, learning_rate=3e-3,
                  learning_rate_final=3e-3, temperature=0.05, temperature_learning_rate=2e-2,
                  target_average=0.1, log_std_range=[-10, 2], critic_norm="batch",
                  critic_unit_weights=True, joint_batch=False),
}
DEFAULTS = dict(n_step=1, beta1=0.9, target_entropy_per_action=-1, target_entropy_final=1,
                target_entropy_hold=0, log_std_bound="clamp",
                actor_norm="none", critic_norm="none", actor_unit_weights=False,
                critic_unit_weights=False, joint_batch=True, joint_gradient=True, value="scalar",
                bins=101, value_max=5, reward_scaling=False, return_max=5, policy_average=1)


# ------------------------------------------ Networks ---------------------------------------------

class Net:
    """[linear, normalisation, ReLU] hidden layers, a linear output. A normalised layer's bias is
    its shift."""

    def __init__(self, dims, norm, unit, rng):
        def draw(*shape, scale=1.0, offset=0.0):
            x = torch.from_numpy(rng.standard_normal(shape)) * scale + offset
            return x.float().double()

        self.norm, self.unit, self.n = norm, unit, len(dims) - 1
        self.W = [draw(o, i, scale=1.4 / i**0.5) for i, o in zip(dims, dims[1:])]
        self.b = [draw(o, scale=0.2) for o in dims[1:]]
        if unit:
            self.W = [(w / w.norm(dim=1, keepdim=True)).float().double() for w in self.W]
        hidden = dims[1:-1]
        self.gamma = [draw(o, scale=0.2, offset=1.0) for o in hidden] if norm != "none" else []
        normalised = dims[:-1] if norm == "batch" else []  # the input too
        self.mean = [draw(o, scale=0.3) for o in normalised]
        self.var = [draw(o, scale=0.2, offset=1.0).abs() for o in normalised]

    def parameters(self):
        return self.W + self.b + self.gamma

    def average(self, other, share, stats=False):
        """Move towards the other's parameters."""
        mine, theirs = self.parameters(), other.parameters()
        if stats:
            mine, theirs = mine + self.mean + self.var, theirs + other.mean + other.var
        for to, new in zip(mine, theirs):
            to += share * (new.detach() - to)

    def project(self):
        with torch.no_grad():
            for w in self.W if self.unit else []:
                w /= w.norm(dim=1, keepdim=True)

    def __call__(self, x, batch=False, learn_stats=False, constant_from=None):
        """batch: by the rows' own statistics, else by the running ones. constant_from: rows from
        there on are in the statistics as constants."""
        def normalise(x, k):
            if constant_from is not None:
                x = torch.cat([x[:constant_from], x[constant_from:].detach()])
            if self.norm == "layer":
                x = x - x.mean(dim=1, keepdim=True)
                return x / (x.square().mean(dim=1, keepdim=True) + EPS).sqrt()
            mean, var = self.mean[k], self.var[k]
            if batch:
                mean = x.mean(dim=0)
                var = (x - mean).square().mean(dim=0)
                if learn_stats:
                    for run, now in ((self.mean[k], mean), (self.var[k], var)):
                        run.mul_(BN_MOMENTUM).add_((1 - BN_MOMENTUM) * now.detach())
            return (x - mean) / (var + EPS).sqrt()

        if self.norm == "batch":
            x = normalise(x, 0)
        for k in range(self.n - 1):
            if self.norm == "none":
                x = x @ self.W[k].T + self.b[k]
            else:
                x = self.gamma[k] * normalise(x @ self.W[k].T, k + 1) + self.b[k]
            x = torch.relu(x)
        return x @ self.W[-1].T + self.b[-1]

    def tensors(self, prefix):
        out = {}
        for k in range(self.n):
            out[f"{prefix}.net.{2 * k}.weight"] = self.W[k]
            out[f"{prefix}.net.{2 * k}.bias"] = self.b[k]
        if self.gamma:
            out[f"{prefix}.gamma"] = torch.cat(self.gamma)
        if self.mean:
            out[f"{prefix}.stats"] = torch.cat(self.mean + self.var)
        return {name: t.detach().float().clone() for name, t in out.items()}


# ------------------------------------------ Transitions ------------------------------------------

def stream(name):
    """The training's generator of a purpose."""
    fnv = 2166136261
    for c in name.encode():
        fnv = (fnv ^ c) * 16777619 % 2**32
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(SEED, spawn_key=(fnv, 0, 0))))


def make_rows(rng):
    ends = rng.random(ROWS)
    return {
        "obs": rng.standard_normal((ROWS, O)).astype(np.float32),
        "action": rng.uniform(-1, 1, (ROWS, A)).astype(np.float32),
        "next_obs": rng.standard_normal((ROWS, O)).astype(np.float32),
        "reward": rng.standard_normal(ROWS).astype(np.float32) * np.float32(2),
        "terminated": (ends < 0.12).astype(np.uint8),
        "truncated": ((ends > 0.06) & (ends < 0.2)).astype(np.uint8),  # some are both
    }


def look_ahead(rows, i, n, gamma):
    """Discounted rewards from row i, the discount of what follows, and the last row; None where
    the rows held end before n steps do."""
    total, discount = 0.0, 1.0
    for k in range(i, i + n):
        if k == ROWS:
            return None
        total += discount * float(rows["reward"][k])
        discount *= gamma
        if rows["terminated"][k]:
            return total, 0.0, k
        if rows["truncated"][k]:
            break
    return total, discount, k


def draw_batch(rows, c, gamma, rng):
    picked = []
    while len(picked) < c["batch_size"]:
        i = int(rng.integers(ROWS))
        ahead = look_ahead(rows, i, c["n_step"], gamma)
        if ahead:
            picked.append((i, *ahead))
    first, reward, discount, last = (np.array(x) for x in zip(*picked))
    return [torch.from_numpy(np.asarray(x, dtype=np.float64)) for x in
            (rows["obs"][first], rows["action"][first], reward, discount, rows["next_obs"][last])]


# ------------------------------------------ The algorithm ----------------------------------------

def sample(actor_out, noise, c):
    """a = tanh(mean + std noise) and log pi(a)."""
    mean, raw = actor_out[:, :A], actor_out[:, A:]
    low, high = c["log_std_range"]
    if c["log_std_bound"] == "clamp":
        log_std = raw.clamp(low, high)
    else:
        log_std = low + (high - low) / 2 * (torch.tanh(raw) + 1)
    squash = TanhTransform(cache_size=1)
    law = TransformedDistribution(Normal(mean, log_std.exp()), [squash])
    action = squash(mean + log_std.exp() * noise)
    return action, law.log_prob(action).sum(dim=1)


class Training:
    def __init__(self, c, rng):
        self.c = c
        self.K = c["bins"] if c["value"] != "scalar" else 1
        self.atoms = torch.linspace(-c["value_max"], c["value_max"], self.K)
        actor = [O, *c["actor_hidden"], 2 * A]
        critic = [O + A, *c["critic_hidden"], self.K]
        make = lambda: Net(critic, c["critic_norm"], c["critic_unit_weights"], rng)
        self.actor = Net(actor, c["actor_norm"], c["actor_unit_weights"], rng)
        self.mean_actor = copy.deepcopy(self.actor) if c["policy_average"] < 1 else None
        self.critics = [make(), make()]
        self.targets = [make(), make()]  # far from the critics, so that none stands for another
        self.log_alpha = torch.tensor(float(np.log(c["temperature"])))
        betas = (c["beta1"], 0.999)
        adam = lambda parts, lr, betas: torch.optim.Adam(
            [p.requires_grad_() for p in parts], lr=lr, betas=betas, eps=1e-8)
        self.critic_adam = adam(self.critics[0].parameters() + self.critics[1].parameters(),
                                c["learning_rate"], betas)
        self.actor_adam = adam(self.actor.parameters(), c["learning_rate"], betas)
        self.alpha_adam = adam([self.log_alpha], c["temperature_learning_rate"], (0.9, 0.999))
        self.total = (c["steps"] - c["random_steps"]) * 1  # an update a step
        self.done = 0
        # Moments of the running discounted return: count, mean, sum of squares about it, largest.
        self.spread = [50.0, 3.0, 50.0 * 1.7**2, 4.0]
        self.draws, self.noise = stream("sac/draw"), stream("sac/noise")

    def reward_scale(self):
        count, _, m2, largest = self.spread
        if not self.c["reward_scaling"]:
            return 1.0
        return max((m2 / count)**0.5, largest / self.c["return_max"])

    def normals(self):
        x = self.noise.standard_normal((self.c["batch_size"], A)).astype(np.float32)
        return torch.from_numpy(x).double()

    def gamma(self):
        """1 / (1 - gamma) goes linearly over all updates."""
        first, last = (1 / (1 - self.c[key]) for key in ("gamma", "gamma_final"))
        return 1 - 1 / (first + (last - first) * min(1.0, self.done / self.total))

    def target_entropy(self):
        """Linear after its hold; a final of 1: none."""
        c = self.c
        first, last, hold = (c[f"target_entropy_{key}"] for key in ("per_action", "final", "hold"))
        changed = max(0.0, min(1.0, self.done / self.total) - hold) / (1 - hold)
        return A * (first if last == 1 else first + (last - first) * changed)

    def set_rate(self, adam):
        c = self.c
        done = min(1.0, self.done / self.total)
        rate = c["learning_rate"] + (c["learning_rate_final"] - c["learning_rate"]) * done
        for group in adam.param_groups:
            group["lr"] = rate

    def values(self, out):
        return (out.softmax(dim=1) * self.atoms).sum(dim=1) if self.K > 1 else out[:, 0]

    def project(self, p, shift, discount):
        """C51: the mass of each atom, moved to shift + discount z and clamped, between its two
        neighbours."""
        low, high = self.atoms[0], self.atoms[-1]
        spacing = (high - low) / (self.K - 1)
        moved = (shift[:, None] + discount[:, None] * self.atoms).clamp(low, high)
        near = (1 - (moved[:, :, None] - self.atoms).abs() / spacing).clamp(min=0)  # [B, j, i]
        return (p[:, :, None] * near).sum(dim=1)

    def histogram(self, value):
        """HL-Gauss: of a Gaussian about the value, within the support, the share of each bin."""
        spacing = 2 * self.c["value_max"] / (self.K - 1)
        edges = torch.cat([self.atoms - spacing / 2, self.atoms[-1:] + spacing / 2])
        low, high = self.atoms[0], self.atoms[-1]
        below = Normal(value.clamp(low, high)[:, None], 0.75 * spacing).cdf(edges)
        shares = below[:, 1:] - below[:, :-1]
        return shares / shares.sum(dim=1, keepdim=True)

    def update(self, rows):
        c, alpha = self.c, self.log_alpha.exp().detach()
        s, a, reward, discount, s2 = draw_batch(rows, c, self.gamma(), self.draws)
        reward = reward / self.reward_scale()
        joint = c["critic_norm"] == "batch" and c["joint_batch"]
        B = len(s)
        here = torch.cat([s, a], dim=1)
        with torch.no_grad():
            a2, log_prob2 = sample(self.actor(s2), self.normals(), c)
            there = torch.cat([s2, a2], dim=1)
            both = torch.cat([here, there])
            for critic, target in zip(self.critics, self.targets):
                if not joint:  # a target goes by its critic's running statistics
                    target.mean = [x.clone() for x in critic.mean]
                    target.var = [x.clone() for x in critic.var]
            nexts = [t(both, batch=True)[B:] if joint else t(there) for t in self.targets]
            q2 = torch.stack([self.values(out) for out in nexts])
            shift = reward - discount * alpha * log_prob2
            bellman = shift + discount * q2.min(dim=0).values
            if c["value"] == "histogram":
                y = self.histogram(bellman)
            elif c["value"] == "categorical":
                lower = (q2[1] < q2[0])[:, None]
                p = torch.where(lower, nexts[1].softmax(dim=1), nexts[0].softmax(dim=1))
                y = self.project(p, shift, discount)
            else:
                y = bellman
        losses = []
        for critic in self.critics:
            if joint:
                constant = None if c["joint_gradient"] else B
                out = critic(both, batch=True, learn_stats=True, constant_from=constant)[:B]
            else:
                out = critic(here, batch=True, learn_stats=True)
            if self.K > 1:
                losses.append(-(y * out.log_softmax(dim=1)).sum(dim=1).mean())
            else:
                losses.append(0.5 * (out[:, 0] - y).square().mean())
        self.set_rate(self.critic_adam)
        self.critic_adam.zero_grad()
        sum(losses).backward()
        self.critic_adam.step()
        with torch.no_grad():
            for critic, target in zip(self.critics, self.targets):
                critic.project()
                target.average(critic, c["target_average"])
        self.done += 1
        showed = [sum(losses).item() / 2, bellman.mean().item()]
        if self.done % c["policy_delay"]:
            return showed + [0.0, 0.0, self.log_alpha.item()]

        out = self.actor(s, batch=True, learn_stats=True)
        action, log_prob = sample(out, self.normals(), c)
        judged = torch.cat([s, action], dim=1)
        q = torch.stack([self.values(critic(judged)) for critic in self.critics])
        loss = (alpha * log_prob - q.min(dim=0).values).mean()
        self.set_rate(self.actor_adam)
        self.actor_adam.zero_grad()
        loss.backward()
        self.actor_adam.step()
        self.actor.project()
        if self.mean_actor:
            with torch.no_grad():
                self.mean_actor.average(self.actor, c["policy_average"], stats=True)
        self.alpha_adam.zero_grad()
        (-self.log_alpha * (log_prob.detach() + self.target_entropy())).mean().backward()
        self.alpha_adam.step()
        return showed + [loss.item(), -log_prob.mean().item(), self.log_alpha.item()]

    def tensors(self, prefix):
        out = self.actor.tensors(f"{prefix}.actor")
        if self.mean_actor:
            out.update(self.mean_actor.tensors(f"{prefix}.average"))
        for i in range(2):
            out.update(self.critics[i].tensors(f"{prefix}.critic{i}"))
            out.update(self.targets[i].tensors(f"{prefix}.target{i}"))
        return out


def as_text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def main(folder):
    for number, (name, own) in enumerate(VARIANTS.items()):
        settings = {**COMMON, **own}
        rng = np.random.default_rng(1000 + number)
        rows = make_rows(rng)
        training = Training({**DEFAULTS, **settings}, rng)
        out = {f"rows.{key}": torch.from_numpy(x) for key, x in rows.items()}
        out.update(training.tensors("0"))
        out["spread"] = torch.tensor(training.spread)
        showed = []
        for k in range(1, UPDATES + 1):
            showed.append(training.update(rows))
            if k in KEPT:
                out.update(training.tensors(str(k)))
        # Critics' loss, target's mean, actor's loss, entropy, log alpha.
        out["showed"] = torch.tensor(showed)
        lines = "\n".join(f"{key}={as_text(value)}" for key, value in settings.items())
        save_file({key: t.contiguous() for key, t in out.items()},
                  f"{folder}/sac-{name}.safetensors",
                  {"settings": lines, "torch": torch.__version__, "numpy": np.__version__})


if __name__ == "__main__":
    main(sys.argv[1])
