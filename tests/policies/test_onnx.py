"""A policy as an ONNX model acts as the policy, in a process that has no JAX, too."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from gymnasium import spaces

import argmaxq as aq
from argmaxq.agents.bdq import BDQ
from argmaxq.agents.paddpg import PADDPG
from argmaxq.agents.r2d2 import R2D2
from argmaxq.agents.td import TD
from argmaxq.exports.agreement import agreement
from argmaxq.exports.observed import arrays
from argmaxq.exports.onnx_model import model_of, session_of
from argmaxq.lanes.frames import pictures
from argmaxq.networks.recurrent import LSTM, Recurrent
from support.commands import Command
from support.exported import BOX, MANY, MIXED, PICTURE, PLATFORM, asked, assert_same, elsewhere, mlp, policy_of

pytest.importorskip("jax2onnx")

CONVOLUTIONAL = aq.networks.Convolutional(aq.encoders.Minatar(), hidden=(16,))
LONE = {
    "dueling, scaled": partial(policy_of, mlp(head=aq.heads.Dueling(), inputs=aq.inputs.Running(), layer_norm=True)),
    "C51": partial(policy_of, mlp(returns=aq.returns.Categorical(11)), action=spaces.Discrete(3)),
    "quantile, noisy": partial(policy_of, mlp(returns=aq.returns.Quantile(7), layer=aq.layers.Noisy())),
    "of several parts": partial(policy_of, mlp(inputs=aq.inputs.Raw()), MIXED),
    "masked in infos": partial(policy_of, mlp(), mask="info"),
    "table": partial(policy_of, TD(network=aq.networks.Table(aq.features.Bins((6,)))), mask="none"),
    "table of states": partial(policy_of, TD(), spaces.Discrete(20, start=3)),
    "convolutional, beside numbers": partial(
        policy_of,
        aq.agents.DQN(network=CONVOLUTIONAL, replay=aq.replay.Uniform(64)),
        spaces.Dict(board=PICTURE, speed=spaces.Box(-1, 1, (2,))),
    ),
    "convolutional": partial(policy_of, aq.agents.DQN(network=CONVOLUTIONAL, replay=aq.replay.Uniform(64)), PICTURE),
}


@pytest.mark.parametrize("kind", LONE)
def test_a_model_acts_as_its_policy_on_ten_thousand_observations(kind: str) -> None:
    policy = LONE[kind]()
    obs, mask = asked(policy, 800 if kind == "convolutional, beside numbers" else MANY)
    session = session_of(model_of(policy), policy.adaptor)
    made = session(obs, mask, {})
    # A batch of pictures is computed in another precision than one of them, and a few are as one.
    at_once = 8 if kind.startswith("convolutional") else len(made["values"])
    assert_same(policy, obs, mask, made["action"], made["values"], at_once)


@pytest.mark.parametrize("agent", [aq.agents.PDQN(), aq.agents.CriticOnly()], ids=["mp-dqn", "critic-only"])
def test_actions_with_parameters_come_with_them_in_the_environments_units(agent: Any) -> None:
    policy = policy_of(agent, action=PLATFORM)
    obs, _ = asked(policy)
    model = model_of(policy)
    session = session_of(model, policy.adaptor)
    made = session(obs, None, {})
    assert_same(policy, obs, None, made["action"], made["values"])
    parameters = np.concatenate(policy(obs)[1], axis=-1)
    np.testing.assert_allclose(made["parameters"], parameters, atol=2e-2, rtol=1e-4)
    assert json.loads({each.key: each.value for each in model.metadata_props}["sizes"]) == [1, 1, 1]


@pytest.mark.parametrize(
    ("agent", "action"),
    [
        (PADDPG(), PLATFORM),
        (BDQ(), spaces.MultiDiscrete([9, 5, 7, 4, 8])),
        (mlp(), spaces.MultiDiscrete([2, 2], start=[0, 5])),
    ],
    ids=["pa-ddpg", "bdq", "combinations"],
)
def test_so_do_several_choices_and_an_actors_own(agent: Any, action: Any) -> None:
    policy = policy_of(agent, action=action)
    session = session_of(model_of(policy), policy.adaptor)
    assert agreement(policy, session).difference < 1e-4


def test_a_recurrent_model_takes_its_memory_and_gives_the_next() -> None:
    agent = R2D2(network=Recurrent((16,), LSTM(8)), replay=aq.replay.Prioritised(2_000))
    policy = policy_of(agent, mask="info")
    session = session_of(model_of(policy), policy.adaptor)
    steps, lanes = 100, 100
    memory = {f"memory.{each}": np.zeros((lanes, 8), np.float32) for each in (0, 1)}
    obs, mask = asked(policy)
    for step in range(steps):
        rows = slice(step * lanes, (step + 1) * lanes)
        made = session(obs[rows], mask[rows], memory)
        expected = policy.values(obs[rows], mask[rows])
        best = np.sort(expected)[:, -2:]
        close = best[:, 1] - best[:, 0] < 1e-5
        ours = policy(obs[rows], mask[rows])  # which remembers them
        np.testing.assert_array_equal(made["action"][~close], ours[~close])
        memory = {name: made[f"next_{name}"] for name in memory}
    assert np.abs(memory["memory.0"]).max() > 0.01


def test_a_stack_of_frames_and_a_mask_in_the_observations_go_in_as_they_are() -> None:
    agent = aq.agents.DQN(network=CONVOLUTIONAL, replay=aq.replay.Uniform(64))
    space = spaces.Dict(board=pictures(4, (1, 10, 12)), action_mask=spaces.Box(0, 1, (5,), np.int8))
    policy = policy_of(agent, space, mask="observation")
    session = session_of(model_of(policy), policy.adaptor)
    assert agreement(policy, session).difference < 1e-4
    obs, _ = asked(policy, 2)
    assert set(arrays(policy.adaptor, obs)) == {"observation.board", "action_mask"}


def test_the_command_writes_a_model_that_runs_without_jax(argmaxq: Command, trained: str, tmp_path: Path) -> None:
    code, out, err = argmaxq("export", trained, "--to", "onnx", "--out", "here")
    assert (code, err) == (0, "")
    assert out.startswith("here/policy.onnx: acts as the policy on 256 random observations; its numbers differ by ")
    policy = aq.load(trained)
    obs, _ = asked(policy)
    np.savez(tmp_path / "asked.npz", obs=obs)
    elsewhere(
        "import numpy as np, onnxruntime\n"
        "session = onnxruntime.InferenceSession('here/policy.onnx')\n"
        "action, values = session.run(['action', 'values'], {'observation': np.load('asked.npz')['obs']})\n"
        "one = session.run(['action'], {'observation': np.load('asked.npz')['obs'][:1]})[0]\n"
        "assert one[0] == action[0]\n"
        "np.savez('made.npz', action=action, values=values)",
        tmp_path, "jax", "argmaxq", "flax",
    )  # fmt: skip
    made = np.load(tmp_path / "made.npz")
    assert_same(policy, obs, None, made["action"], made["values"])
    code, out, err = argmaxq("export", trained, "--to", "onnx", "--out", "here")
    assert (code, out) == (2, "")
    assert err.strip() == (
        "argmaxq: here/policy.onnx exists already and is not overwritten: remove it, or choose another --out"
    )


def test_what_has_no_form_is_refused_in_a_line() -> None:
    def apply(params: Any, obs: Any) -> Any:
        length = jax.pure_callback(np.linalg.norm, jax.ShapeDtypeStruct((), np.float32), obs, vmap_method="sequential")
        return params + length

    network = aq.networks.FunctionNetwork(lambda key, obs, outputs: np.zeros(outputs[0], np.float32), apply)
    with pytest.raises(aq.UserError, match="jax2onnx makes no model of this policy") as fault:
        model_of(policy_of(aq.agents.DQN(network=network), BOX))
    assert "\n" not in str(fault.value)
