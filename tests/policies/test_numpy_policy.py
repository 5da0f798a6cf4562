"""A policy as a folder that acts with NumPy alone."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq
from argmaxq.agents.td import TD
from argmaxq.exports import numpy_policy, plain
from argmaxq.learning import normalisers
from argmaxq.learning.td.backups import DoubleQLearning
from argmaxq.networks.sparse import SparseMLP
from argmaxq.verbs.policy import Policy
from support.commands import Command
from support.exported import BOX, MIXED, PICTURE, PLATFORM, asked, assert_same, elsewhere, mlp, policy_of

SMALL_BOX = spaces.Box(-1, 1, (2,))
IN_DICT = spaces.Dict(board=BOX, action_mask=spaces.Box(0, 1, (5,), np.int8))


def linear(features: Any) -> Any:
    return TD(network=aq.networks.Linear(features))


KINDS: dict[str, Callable[[], Policy]] = {
    "elu": partial(policy_of, mlp(activation="elu", inputs=aq.inputs.Rescaled())),
    "gelu": partial(policy_of, mlp(activation="gelu", inputs=aq.inputs.Running())),
    "silu": partial(policy_of, mlp(activation="silu", head=aq.heads.MeanExpansion())),
    "tanh": partial(policy_of, mlp(activation="tanh", head=aq.heads.Dueling(aq.layers.Noisy()))),
    "spectral": partial(policy_of, mlp(layer=aq.layers.Spectral(), layer_norm=True, returns=aq.returns.Transformed())),
    "c51": partial(policy_of, mlp(layer_norm=True, returns=aq.returns.Categorical(11))),
    "hl-gauss": partial(policy_of, mlp(head=aq.heads.Dueling(), returns=aq.returns.HLGauss(9))),
    "quantile": partial(policy_of, mlp(returns=aq.returns.Quantile(7)), mask="info"),
    "parts": partial(policy_of, mlp(), MIXED),
    "masked": partial(policy_of, mlp(), IN_DICT, mask="observation"),
    "states": partial(policy_of, TD(backup=DoubleQLearning()), spaces.Discrete(20, start=3)),
    "one-hot": partial(policy_of, mlp(), spaces.Discrete(20)),
    "cells": partial(policy_of, TD(network=aq.networks.Table(aq.features.Bins((6, 5, 4, 3))))),
    "tiles": partial(policy_of, linear(aq.features.Tiles(tilings=4, tiles=(3, 4))), SMALL_BOX),
    "fourier": partial(policy_of, linear(aq.features.Fourier()), SMALL_BOX),
    "radial": partial(policy_of, linear(aq.features.Radial((4,))), SMALL_BOX),
    "polynomial": partial(policy_of, linear(aq.features.Polynomial(2)), SMALL_BOX),
    "symmetric": partial(policy_of, linear(aq.features.Symmetric()), action=spaces.Discrete(2)),
    "streamed": partial(policy_of, TD(network=SparseMLP(), normaliser=normalisers.Running())),
    "scaled": partial(policy_of, aq.agents.PQN(network=aq.networks.Scaled(aq.networks.MLP((8,))))),
}


@cache
def policy_named(kind: str) -> Policy:
    return KINDS[kind]()


RUN = """
import importlib.util, pathlib
import numpy as np
for folder in pathlib.Path().iterdir():
    spec = importlib.util.spec_from_file_location(folder.name, folder / "policy.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    policy, asked = module.load(), np.load(folder / "asked.npz")
    named = {name: asked[name] for name in asked.files if name != "mask"}
    obs, mask = named.get("obs", named), asked["mask"] if "mask" in asked.files else None
    np.savez(folder / "made.npz", action=policy(obs, mask), values=policy.values(obs, mask))
    one = obs[0] if "obs" in named else {name: array[0] for name, array in named.items()}
    assert policy(one, None if mask is None else mask[0]) == policy(obs, mask)[0]
"""


@pytest.fixture(scope="module")
def acted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of them, written, and asked in a process that has neither JAX nor argmaxq nor safetensors."""
    folder = tmp_path_factory.mktemp("policies")
    for name in KINDS:
        policy = policy_named(name)
        plain.write(plain.made(policy), folder / name)
        obs, mask = asked(policy)
        masks = {} if mask is None else {"mask": mask}
        np.savez(folder / name / "asked.npz", **(obs if isinstance(obs, dict) else {"obs": obs}), **masks)
    elsewhere(RUN, folder, "jax", "argmaxq", "flax", "safetensors", "gymnasium")
    return folder


@pytest.mark.parametrize("kind", KINDS)
def test_it_acts_as_ours_on_ten_thousand_observations(acted: Path, kind: str) -> None:
    policy, made = policy_named(kind), np.load(acted / kind / "made.npz")
    obs, mask = asked(policy)
    assert_same(policy, obs, mask, made["action"], made["values"])


def test_its_file_has_under_a_hundred_lines() -> None:
    assert len(Path(numpy_policy.__file__).read_text().splitlines()) < 100


@pytest.mark.parametrize(
    "policy",
    [
        partial(policy_of, aq.agents.DQN(network=aq.networks.Convolutional(aq.encoders.Minatar())), PICTURE),
        partial(policy_of, aq.agents.PDQN(), action=PLATFORM),
        partial(policy_of, mlp(head=aq.heads.Implicit(), returns=aq.returns.ImplicitQuantile())),
    ],
    ids=["pictures", "parameters", "implicit quantiles"],
)
def test_others_are_refused_in_a_line(policy: Callable[[], Policy]) -> None:
    with pytest.raises(aq.UserError, match="--to onnx takes"):
        plain.made(policy())


def test_the_command_writes_such_a_folder(argmaxq: Command, trained: str, tmp_path: Path) -> None:
    code, out, err = argmaxq("export", trained, "--to", "policy", "--checkpoint", "last", "--out", "mine")
    assert (code, err) == (0, "")
    assert out.startswith("mine: acts as the policy on 256 random observations")
    assert {path.name for path in (tmp_path / "mine").iterdir()} == {"policy.json", "policy.py", "policy.safetensors"}
    obs, _ = asked(aq.load(trained, "last"))
    found = numpy_policy.load(tmp_path / "mine")
    assert_same(aq.load(trained, "last"), obs, None, found(obs), found.values(obs))
    for words in (("--to", "pickle"), ("--to", "policy", "--seed", "9"), ("--to", "policy", "--out", "a\0b"), ()):
        code, out, err = argmaxq("export", trained, *words)
        assert (code, out, len(err.splitlines())) == (2, "", 1)
