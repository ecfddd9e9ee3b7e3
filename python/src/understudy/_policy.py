"""Policies: what turns observations into actions."""

from __future__ import annotations

import json
import operator
import os
import struct
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from ._task import Task, as_task

EXPERTS = _native.DATA / "experts"


def experts() -> dict[str, dict[str, str]]:
    """The experts that come with the package: name -> what its file says of it (task, return, how
    it was made)."""
    files = sorted(EXPERTS.glob("*.safetensors"))
    return {path.stem: _read_file(path.read_bytes())[0] for path in files}


def _read_file(data: bytes) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
    """Metadata and tensors of a policy file that the library wrote or has read."""
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    metadata: dict[str, str] = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = np.frombuffer(data[8 + size + begin : 8 + size + end], np.float32)
        tensors[name] = flat.reshape(entry["shape"]).copy()
    return metadata, tensors


class Policy:
    """A network with its task, made by `load`, `bc` or `dagger`. Immutable; any number of threads
    may share it.

        policy = understudy.load("ant-v5")
        action = policy.predict(obs)
    """

    def __init__(self, handle: _native.Handle) -> None:
        self._handle = handle
        facts = json.loads(_native.call("policy_facts", handle))
        #: Id of its task; "" where the file does not say.
        self.task: str = facts["task"]
        #: Does it take contact forces in the observation?
        self.contact_obs: bool = facts["contact_obs"]
        #: Has it a Gaussian head, so that `predict(..., deterministic=False)` works?
        self.gaussian: bool = facts["gaussian"]
        self.obs_dim: int = facts["obs_dim"]
        self.act_dim: int = facts["act_dim"]
        #: Widths of the hidden layers.
        self.hidden: tuple[int, ...] = tuple(facts["hidden"])
        #: Activations of the hidden layers and of the output.
        self.activation: str = facts["activation"]
        self.output: str = facts["output"]
        self._file: tuple[dict[str, str], dict[str, NDArray[np.float32]]] | None = None

    def predict(
        self,
        obs: ArrayLike,
        deterministic: bool = True,
        *,
        seed: int | None = None,
    ) -> NDArray[np.float32]:
        """Actions for observations.

        Args:
            obs: [O] or [n, O], float32 or float64.
            deterministic: False: drawn from the policy's Gaussian, where it has one.
            seed: of the draws; the same seed gives the same actions. None: fresh ones.

        Returns:
            [A] or [n, A] float32, in the task's unit. A row of a batch has the same bits as alone.
        """
        rows, single = self._rows(obs)
        action = np.empty((len(rows), self.act_dim), np.float32)
        rng = None
        if not deterministic:
            if seed is None:
                seed = int.from_bytes(os.urandom(8), "little")
            rng = _native.make("rng_create", "rng_destroy", check_seed(seed), "policy/gaussian")
        _native.call(
            "policy_act", self._handle, rows, len(rows), int(not deterministic), rng, action
        )
        return action[0] if single else action

    def _rows(self, obs: ArrayLike) -> tuple[NDArray[np.float64], bool]:
        array = np.asarray(obs)
        if array.dtype not in (np.float32, np.float64):
            raise TypeError(f"observations are {array.dtype}; expected float32 or float64")
        if array.ndim not in (1, 2) or array.shape[-1] != self.obs_dim:
            raise ValueError(
                f"observations have shape {array.shape}; {self.task or 'this policy'} takes "
                f"({self.obs_dim},) or (n, {self.obs_dim})"
            )
        return np.ascontiguousarray(np.atleast_2d(array), np.float64), array.ndim == 1

    __call__ = predict

    def save(self, path: str | os.PathLike[str], **metadata: str) -> None:
        """Write a policy file (safetensors, PyTorch's names), whole or not at all, over what is
        there.

        Args:
            metadata: notes to add, such as made_by="bc from 50 episodes".
        """
        for key, value in metadata.items():
            if not isinstance(value, str):
                raise TypeError(f"metadata {key} is {type(value).__name__}; expected text")
        _native.call("policy_save", self._handle, path, json.dumps(metadata))

    def to_bytes(self) -> bytes:
        """What `save` would write."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "policy.safetensors")
            self.save(path)
            return path.read_bytes()

    def _read(self) -> tuple[dict[str, str], dict[str, NDArray[np.float32]]]:
        if self._file is None:
            self._file = _read_file(self.to_bytes())
        return self._file

    @property
    def metadata(self) -> dict[str, str]:
        """What the policy's file says of it: task, activations, how it was made, its return."""
        return dict(self._read()[0])

    @property
    def weights(self) -> dict[str, NDArray[np.float32]]:
        """Copies of its tensors by PyTorch's names: "net.0.weight" [out, in], "net.0.bias", ..."""
        return {name: tensor.copy() for name, tensor in self._read()[1].items()}

    def __repr__(self) -> str:
        sizes = "-".join(str(n) for n in (self.obs_dim, *self.hidden, self.act_dim))
        return f"<Policy {self.task or 'of no named task'}: {sizes}{', Gaussian' * self.gaussian}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _from_bytes, (self.to_bytes(),)


def _from_bytes(data: bytes) -> Policy:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policy.safetensors")
        path.write_bytes(data)
        return _load_file(path)


def _load_file(path: str | os.PathLike[str]) -> Policy:
    return Policy(_native.make("policy_load", "policy_destroy", path))


def load(path: str | os.PathLike[str]) -> Policy:
    """A policy from a file (.safetensors), or a shipped expert by its name ("ant-v5").

    Raises:
        FileNotFoundError: there is no such file, nor an expert of that name.
        ValueError: the file is no policy, or is damaged; the message says where.
    """
    if isinstance(path, str) and not ({os.sep, "\0"} & set(path)) and not os.path.exists(path):
        shipped = EXPERTS / f"{path}.safetensors"
        if shipped.is_file():
            return _load_file(shipped)
        if not path.endswith(".safetensors"):
            raise _native.NotFoundError(
                f"{path}: no such file, and no expert of that name; shipped are "
                f"{', '.join(sorted(experts()))}",
                "UDY_ENOENT",
            )
    return _load_file(path)


def as_policy(policy: Policy | str | os.PathLike[str]) -> Policy:
    """A policy, or the one of that file or name."""
    return policy if isinstance(policy, Policy) else load(policy)


def check_seed(seed: int) -> int:
    """A seed as the library takes it."""
    value = operator.index(seed)
    if not 0 <= value < 1 << 64:
        raise ValueError(f"seed is {seed}; expected 0 to 2**64 - 1")
    return value


def task_of(policy: Policy | None, task: str | Task | None, options: Mapping[str, Any]) -> Task:
    """The task that is asked for, else the policy's, with the observation that it takes."""
    if isinstance(task, Task):
        return as_task(task, options)
    given = dict(options)
    if policy is not None and policy.contact_obs and "include_cfrc_ext_in_observation" not in given:
        given.setdefault("contact_obs", True)
    if task is None:
        if policy is None or not policy.task:
            raise ValueError("the policy does not say of which task it is: pass task='Ant-v5'")
        task = policy.task
    return as_task(task, given)
