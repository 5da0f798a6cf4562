"""Many kinds of environments of users' own: each trains rightly, or is refused in one line that says what to do."""

import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.environments import trials
from argmaxq.environments.check import check
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.schedules import Constant
from argmaxq.networks.mlp import MLP
from argmaxq.replay.uniform import Uniform
from argmaxq.runs.records import read
from argmaxq.training.block import Diverged
from samples.own_environments import (
    FLAT,
    IMAGE,
    NESTED,
    Duck,
    Endless,
    Limited,
    Old,
    Own,
    Raising,
    Seedless,
    Sized,
    batched,
    changed,
    seen,
    unmarked,
    vector,
)
from samples.probes import DelayedReward
from support.commands import Command

AGENT = DQN(MLP((4,)), replay=Uniform(64), batch_size=4, rollout=4, learning_starts=16)
RECIPE = aq.Recipe(AGENT, steps=64, evaluation=aq.Evaluation(64, 2), checkpoint_every=0)


def trained(source: Any, folder: Path, lanes: int = 1, **options: Any) -> aq.Run:
    recipe = aq.replace(RECIPE, {"env.id": source, "env.lanes": lanes, **options})
    return aq.train(recipe, out=folder / "run", engine="host")


GOOD: dict[str, Any] = {
    "numbers": Own,
    "an image": lambda: Own(IMAGE),
    "a Dict of Tuples of Tuples": lambda: Own(NESTED),
    "states with an offset": lambda: Own(spaces.Discrete(5, start=-2)),
    "states as NumPy's numbers": seen(np.uint8(3), spaces.Discrete(5)),
    "several states": lambda: Own(spaces.MultiDiscrete([3, 2])),
    "bits": lambda: Own(spaces.MultiBinary(3)),
    "actions with an offset": lambda: Own(done=spaces.Discrete(3, start=-1)),
    "several actions at once": lambda: Own(done=spaces.MultiDiscrete([3, 2], start=[1, -1])),
    "actions of bits": lambda: Own(done=spaces.MultiBinary((2, 2))),
    "one number": lambda: Own(spaces.Box(-1.0, 1.0, (), np.float32)),
    "double precision": lambda: Own(spaces.Box(-1.0, 1.0, (2,), np.float64)),
    "double precision for single": seen(np.zeros(4), FLAT),
    "a list for an array": seen([0.0, 0.5, 0.25, 1.0], FLAT),
    "whole numbers": lambda: Own(spaces.Box(-5, 5, (2,), np.int64)),
    "whole numbers of another type": seen(np.array([1, 200]), spaces.Box(0, 255, (2,), np.uint8)),
    "true and false": lambda: Own(spaces.Box(0, 1, (3,), np.bool_)),
    "beyond its bounds": seen(np.full(4, 7.0, np.float32), FLAT),
    "a limit of its own": Limited,
    "gymnasium's limit": lambda: gym.wrappers.TimeLimit(Endless(), 6),
    "NumPy's rewards and flags": changed(
        lambda obs, reward, over, cut, info: (obs, np.float32(reward), np.bool_(over), np.array(cut), info)
    ),
    "with arguments": lambda: Sized(3, render_mode="rgb_array"),
}


@pytest.mark.parametrize("name", GOOD)
def test_it_trains(name: str, tmp_path: Path) -> None:
    run = trained(GOOD[name], tmp_path)
    assert run.summary["finished"]
    episodes = read(run.path, "episodes")
    assert episodes
    assert {row["length"] for row in episodes} <= {5, 6, 7}
    action = run.policy("last")(GOOD[name]().reset(seed=0)[0])
    assert action in GOOD[name]().action_space


@pytest.mark.parametrize("mode", AutoresetMode)
def test_a_vector_environment_trains(mode: AutoresetMode, tmp_path: Path) -> None:
    run = trained(vector(mode), tmp_path, lanes=2)
    assert {row["length"] for row in read(run.path, "episodes")} == {7}


def test_a_functional_one_trains(tmp_path: Path) -> None:
    assert trained(DelayedReward, tmp_path).summary["finished"]


class Switches(DelayedReward):
    """Rewards the action whose bits are all on."""

    action_space = spaces.MultiBinary((2, 2))

    def reward(self, state: Any, action: Any, next_state: Any, rng: Any, params: Any = None) -> Any:
        return action.all().astype(jnp.float32)


def test_several_actions_at_once_are_the_same_on_both_engines(tmp_path: Path) -> None:
    recipe = aq.replace(RECIPE, {"env.id": Switches, "steps": 400, "agent.exploration": EpsilonGreedy(Constant(1.0))})
    compiled, host = (aq.train(recipe, out=tmp_path / engine, engine=engine) for engine in ("compiled", "host"))
    assert compiled.policy("last")(np.zeros(1, np.float32)) in Switches.action_space
    own, other = (run.policy("last").params for run in (compiled, host))
    assert jax.tree.all(jax.tree.map(np.array_equal, own, other))


TUPLE5 = r"\(observation, reward, terminated, truncated, info\) is needed"
BAD: dict[str, tuple[Any, str]] = {
    "gym 0.21": (Old, r"Old reset returned an array of float32 of shape \(4,\) alone where .* shimmy"),
    "four values": (changed(lambda obs, reward, over, cut, info: (obs, reward, over, info)), f"4 values .*{TUPLE5}"),
    "None": (changed(lambda *_: None), f"step returned None where {TUPLE5}"),
    "info in the wrong place": (
        changed(lambda obs, reward, over, cut, info: (obs, reward, over, {"a": 1}, cut)),
        "as truncated: it must be True or False",
    ),
    "a reward array": (
        changed(lambda obs, reward, *rest: (obs, np.array([reward]), *rest)),
        r"array\(\[0\.\]\) as a reward: it must be one number",
    ),
    "a late reward array": (
        changed(lambda obs, reward, *rest: (obs, np.array([reward]), *rest), at=3),
        r"as a reward: it must be one number.*\(env step 4\)",
    ),
    "no reward": (changed(lambda obs, reward, *rest: (obs, None, *rest)), "gave None as a reward"),
    "reset without a seed": (Seedless, r"Seedless.reset takes no seed: define reset\(self, \*, seed=None"),
    "another shape": (seen(np.zeros(3, np.float32), FLAT), r"of shape \(3,\); its space says \(4,\)"),
    "another shape later": (seen(np.zeros(1, np.float32), FLAT, at=3), r"of shape \(1,\); .*\(env step 3\)"),
    "fractions": (
        seen(np.array([0.5, 0.5]), spaces.Box(0, 255, (2,), np.uint8), at=2),
        r"of array\(\[0\.5, 0\.5\]\), which uint8 cannot hold; .*\(env step 2\)",
    ),
    "beyond the type": (seen(np.array([-1, 3]), spaces.Box(0, 255, (2,), np.uint8)), "which uint8 cannot hold"),
    "None seen": (seen(None, FLAT), "an observation that is None; its space says"),
    "a state outside": (
        seen(16, spaces.Discrete(16), at=2),
        r"of 16, which is outside of its space, .* \(env step 2\)",
    ),
    "a state below": (seen(-1, spaces.Discrete(4), at=3), r"of -1, which is outside of its space, .* \(env step 3\)"),
    "half a state": (seen(1.5, spaces.Discrete(4), at=3), r"of 1\.5, which int64 cannot hold; its space says Discrete"),
    "a part outside": (
        seen((0, 3), spaces.Tuple([spaces.Discrete(2), spaces.Discrete(3)]), at=2),
        r"whose entry 1 is of 3, which is outside of its space, Discrete\(3\).*\(env step 2\)",
    ),
    "one of several outside": (
        seen(np.array([0, 2]), spaces.MultiDiscrete([3, 2]), at=2),
        r"of array\(\[0, 2\]\), which is outside of its space, MultiDiscrete.*\(env step 2\)",
    ),
    "an entry is missing": (
        seen({"a": 1}, spaces.Dict(a=spaces.Discrete(2), b=FLAT), at=2),
        "without the entry 'b'.*env step 2",
    ),
    "an entry of another shape": (
        seen({"a": 1, "b": np.zeros(3)}, spaces.Dict(a=spaces.Discrete(2), b=FLAT), at=2),
        r"whose entry 'b' is of shape \(3,\)",
    ),
    "texts": (lambda: Own(spaces.Text(5)), "Text.* have no fixed size as numbers.*TransformObservation"),
    "a graph": (lambda: Own(spaces.Graph(FLAT, None)), "Graph.* have no fixed size"),
    "an entry without a size": (
        lambda: Own(spaces.Dict(a=FLAT, b=spaces.Dict(c=spaces.Sequence(FLAT)))),
        r"entry \['b'\]\['c'\], Sequence.*FilterObservation",
    ),
    "continuous actions": (lambda: Own(done=FLAT), "continuous: no agent here fits"),
    "an environment": (Own(), "Own is an environment, and several are needed: give what makes one"),
    "none": (lambda: None, "returned None: it must return a gymnasium.Env"),
    "a class": (lambda: Own, "returned the class Own"),
    "a duck": (Duck, "Duck returned a Duck: it must return a gymnasium.Env.*shimmy"),
    "without its argument": (Sized, "Sized cannot be made with the arguments {}: missing a required argument: 'size'"),
    "a mode that is not told": (unmarked, "autoreset_mode"),
    "four batches": (batched(lambda obs, reward, over, cut, infos: (obs, reward, over, infos)), f"4 values .*{TUPLE5}"),
    "one reward for all": (
        batched(lambda obs, reward, *rest: (obs, 1.0, *rest)),
        r"Batched gave rewards of shape \(\): one for each of its 2 lanes is needed \(env step 2\)",
    ),
    "a batch of another shape": (
        batched(lambda obs, *rest: (obs[:, :1], *rest)),
        r"observations of shape \(2, 1\); its spaces say \(2, 4\) \(env step 2\)",
    ),
    "a batch with a state outside": (
        batched(lambda obs, *rest: (obs + 3, *rest), spaces.Discrete(3)),
        r"which is none of 0 \.\. 2 \(env step 2\)",
    ),
}


def test_an_endless_one_stays_in_its_first_episode(tmp_path: Path) -> None:
    run = trained(Endless, tmp_path, **{"evaluation.every": 0})
    assert not read(run.path, "episodes")
    assert {finding.what: finding.status for finding in check(Endless)}["time limit"] == "warn"


def test_not_a_number_is_named_with_its_step(tmp_path: Path) -> None:
    with pytest.raises(Diverged, match=r"an observation that is not finite \(env step 3\)"):
        trained(seen(np.full(4, np.nan), FLAT, at=3), tmp_path)


@pytest.mark.parametrize("where", ["init", "reset", "step"])
def test_its_own_exception_comes_out_as_it_is(where: str, tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"the simulator\sis not there"):
        trained(lambda: Raising(where), tmp_path)


@pytest.mark.parametrize("where", ["init", "reset", "step"])
def test_its_own_exception_is_a_line_of_the_command(where: str, argmaxq: Command) -> None:
    gym.register("Raising-v0", Raising, kwargs={"where": where}, max_episode_steps=9)
    code, _, said = argmaxq("train", "dqn", "--env", "Raising-v0", "--steps", "64")
    gym.registry.pop("Raising-v0")
    assert code == 1
    told = "argmaxq: the environment raised RuntimeError: the simulator is not there"
    assert re.fullmatch(rf"{told} \(own_environments.py, line \d+, in \w+\); ARGMAXQ_TRACEBACK=1 .*\n", said)


VECTORS = {name for name in BAD if "batch" in name} | {"a mode that is not told", "one reward for all"}


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    source, words = BAD[name]
    with pytest.raises(aq.UserError, match=words) as caught:
        trained(source, tmp_path, lanes=2 if name in VECTORS else 1)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", [name for name in BAD if name not in ("a late reward array",)])
def test_what_is_refused_is_found_by_check(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "STEPS", 20)
    findings = check(BAD[name][0])
    assert any(finding.status == "fail" for finding in findings)
    assert all("\n" not in finding.why for finding in findings)


def test_seeds_may_be_listed(tmp_path: Path) -> None:
    recipe = aq.replace(RECIPE, {"env.id": lambda: Own(spaces.Box(-1.0, 1.0, (4,), np.float32))})
    run = aq.train(recipe, seeds=[7, 3], out=tmp_path / "listed")
    assert run.seeds == (7, 3)
    lone = aq.train(recipe, seed=3, out=tmp_path / "lone")
    part = aq.Run(tmp_path / "listed" / "seed-3", {"env.id": recipe.env.id})
    ours, theirs = (each.policy("last").params for each in (part, lone))
    assert jax.tree.all(jax.tree.map(np.array_equal, ours, theirs))


@pytest.mark.parametrize("seeds", [[], [1, 1], "12", [1.5], [-1], [2**31], 0, 1.5, None])
def test_seeds_that_are_none_are_one_line(seeds: Any) -> None:
    with pytest.raises(aq.UserError, match=r"seed = 0, seeds = .*: a seed is a whole number from 0 on"):
        aq.train(RECIPE, seeds=seeds)
