"""Recipes on another environment than their own: what belonged to that one goes, what the user wrote stays."""

from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.paths import get
from argmaxq.environments.atari import is_game
from argmaxq.recipes import choose, recipes
from argmaxq.training.engines.choose import engine_kind, make_engine
from argmaxq.training.standstill import foreseen
from support.commands import Command

pytestmark = pytest.mark.filterwarnings("ignore:.*CartPole-v0 is out of date:DeprecationWarning")
LAKE, TAXI, POLE, CAR, PLATFORM = "FrozenLake-v1", "Taxi-v4", "CartPole-v1", "MountainCar-v0", "argmaxq/Platform-v0"
ELSEWHERE = {
    "frozenlake/q": TAXI,
    "frozenlake8x8/q": LAKE,
    "taxi/q": "CliffWalking-v1",
    "taxi/masked-q": "CliffWalking-v1",
    "cliff/q": TAXI,
    "cliff/sarsa": TAXI,
    "cliff/expected-sarsa": TAXI,
    "cliff/double-q": TAXI,
    "cartpole/dqn": "Acrobot-v1",
    "cartpole/c51": "Acrobot-v1",
    "cartpole/qrdqn": "Acrobot-v1",
    "cartpole/hl-gauss": "Acrobot-v1",
    "cartpole/munchausen": "Acrobot-v1",
    "cartpole/iqn": "Acrobot-v1",
    "cartpole/rainbow": "Acrobot-v1",
    "cartpole/dqn-course": "Acrobot-v1",
    "cartpole/linear": "CartPole-v0",
    "cartpole/linear-course": "CartPole-v0",
    "cartpole/tabular": CAR,
    "cartpole/streamq": CAR,
    "cartpole/pqn": "Acrobot-v1",
    "mountaincar/dqn": POLE,
    "mountaincar/sarsa-tiles": POLE,
    "mountaincar/tabular": POLE,
    "mountaincar/tiles": POLE,
    "mountaincar/pqn": POLE,
    "acrobot/dqn": POLE,
    "acrobot/pqn": POLE,
    "lunarlander/dqn": POLE,
    "lunarlander/ddqn": POLE,
    "lunarlander/pqn": POLE,
    "lunarlander/rainbow": POLE,
    "lunarlander/m-iqn": POLE,
    "lunarlander/pqn-hl": POLE,
    "memorychain/r2d2": POLE,
    "tmaze/r2d2": POLE,
    "cartpole-hidden/r2d2": POLE,
    "cartpole-hidden/pqn-gru": POLE,
    "cartpole-pixels/dqn-course": POLE,
    "cartpole-pixels/dqn": POLE,
    "cartpole-pixels/pqn": POLE,
    "cartpole-stacked/pqn": POLE,
    **{
        f"minatar-{game}/{kind}": "argmaxq/CartPolePixels-v0"
        for game in ("asterix", "breakout", "freeway", "seaquest", "space-invaders")
        for kind in ("dqn", "rainbow", "pqn")
    },
    "platform/pdqn": "argmaxq/CatchPoint-v0",
    "platform/mpdqn": "argmaxq/Goal-v0",
    "platform/paddpg": "argmaxq/CatchPoint-v0",
    "platform/dqn-discrete": POLE,
    "goal/mpdqn": PLATFORM,
    "hardgoal/mpdqn": PLATFORM,
    "catchpoint/mpdqn": PLATFORM,
    "hardmove4/mpdqn": PLATFORM,
    "hardmove6/mpdqn": PLATFORM,
    "hardmove8/mpdqn": PLATFORM,
    "hardmove10/mpdqn": PLATFORM,
}
ROUNDING = 1e-12
"""A mean loss of values that float32 cannot bring nearer to their targets."""
QUICK = ("cliff/q", "cartpole/tabular", "cartpole/dqn", "lunarlander/pqn", "platform/mpdqn")


def given(env: Any, **values: Any) -> list[tuple[str, Any]]:
    return [("env.id", env), *((path.replace("__", "."), value) for path, value in values.items())]


def learns_to_the_end(name: str, env: str, folder: Path, steps: int) -> bool:
    """Whether parameters move in the last tenth of a training, or its TD errors have come down to rounding."""
    seen: list[np.ndarray] = []

    def look(block: Any) -> None:
        if block.step >= 0.9 * steps:
            flat = jax.tree.leaves(jax.device_get(block.params(0)))
            seen.append(np.concatenate([np.ravel(leaf) for leaf in flat]))

    recipe = choose(name, given(env, steps=steps, evaluation__every=0, checkpoint_every=steps // 40)).recipe
    run = aq.train(recipe, out=folder, callbacks=[look])
    assert len(seen) >= 2
    return not np.array_equal(seen[0], seen[-1]) or run.metrics()["loss"][-1] < ROUNDING


def test_a_range_of_returns_is_that_of_the_new_environment() -> None:
    """Each step of Acrobot costs 1, and 500 steps at most."""
    agent: Any = choose("cartpole/c51", given("Acrobot-v1")).recipe.agent
    worst = agent.rewards.factor * (1 - agent.gamma**500) / (1 - agent.gamma)
    assert (agent.returns.low, agent.returns.high) == (pytest.approx(-worst, rel=0.05), 0.0)
    assert choose("cartpole/c51", given("Acrobot-v1", agent__returns__low=-3.0)).recipe.agent.returns.low == -3  # type: ignore[attr-defined]


def test_every_recipe_is_in_the_table() -> None:
    assert set(ELSEWHERE) == {name for name, recipe in recipes().items() if not is_game(recipe.env.id)}


def test_recipes_of_atari_fit_each_of_its_games_as_they_are() -> None:
    own = aq.find("breakout/dqn")
    assert choose("breakout/dqn", given("ALE/Seaquest-v5")) == (aq.replace(own, "env.id", "ALE/Seaquest-v5"), ())


@pytest.mark.parametrize("name", ELSEWHERE)
def test_every_recipe_starts_elsewhere(name: str) -> None:
    own, env = aq.find(name), ELSEWHERE[name]
    chosen = choose(name, given(env, steps=2 * own.steps))
    recipe = chosen.recipe
    assert (recipe.env.id, recipe.env.lanes, recipe.env.kwargs, recipe.env.choices) == (env, own.env.lanes, {}, ())
    assert (recipe.stop, recipe.steps) == (aq.Never(), 2 * own.steps)
    assert recipe.evaluation.every <= recipe.steps / 20
    assert len(chosen.said) > 1
    assert chosen.said[0].startswith(f"{env} instead of {own.env.name}")
    engine = make_engine(engine_kind(recipe.env, "auto"), recipe, (0,))
    assert foreseen(recipe, engine.lanes) == ""
    engine.close()


@pytest.mark.parametrize("name", QUICK)
def test_a_recipe_learns_elsewhere_to_the_end(name: str, tmp_path: Path) -> None:
    recipe = aq.find(name)
    steps = max(8_000, 20 * recipe.agent.rollout * recipe.env.lanes)
    assert learns_to_the_end(name, ELSEWHERE[name], tmp_path / "run", steps)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", [name for name in ELSEWHERE if not name.startswith("minatar-")])  # those take hours
def test_every_recipe_learns_elsewhere_to_the_end_of_twice_its_steps(name: str, tmp_path: Path) -> None:
    assert learns_to_the_end(name, ELSEWHERE[name], tmp_path / "run", 2 * aq.find(name).steps)


@pytest.mark.parametrize(
    ("name", "env", "path", "old", "new"),
    [
        ("lunarlander/dqn", POLE, "stop", aq.TrainingReturn(200.0, 100), aq.Never()),
        ("cartpole/pqn", "Acrobot-v1", "stop", aq.EvaluationReturn(500.0), aq.Never()),
        ("cliff/q", LAKE, "env.time_limit", 1_000, None),
        ("frozenlake/q", "CliffWalking-v1", "env.time_limit", None, 1_000),
        ("goal/mpdqn", PLATFORM, "env.kwargs", {"legacy": True, "features": True}, {}),
        ("cliff/q", LAKE, "evaluation.episodes", 1, 100),
        ("cliff/q", LAKE, "evaluation.every", 100_000, 16_000),
        ("cartpole/tabular", CAR, "agent.network.cells.bins", (3, 3, 8, 8), (8,)),
        ("cartpole/tabular", "Acrobot-v1", "agent.network.cells.low", (-2.4, -3.0, -0.2095, -3.0), ()),
        ("goal/mpdqn", PLATFORM, "agent.rewards.factor", 0.02, 15.0),
    ],
)
def test_what_belongs_to_an_environment_stays_with_it(name: str, env: str, path: str, old: Any, new: Any) -> None:
    assert get(aq.find(name), path) == old
    chosen = choose(name, given(env))
    assert get(chosen.recipe, path) == new
    assert any(line.startswith(f"  {path} ") for line in chosen.said)


def test_on_its_own_environment_a_recipe_is_what_it_was() -> None:
    for name, recipe in recipes().items():
        assert choose(name, given(recipe.env.id)) == (recipe, ())


def test_what_the_user_writes_now_stays() -> None:
    written = {
        "stop.threshold": "150",
        "evaluation.every": "777",
        "env.time_limit": "90",
        "agent.rewards.factor": "0.3",
    }
    chosen = choose("lunarlander/dqn", [("env.id", POLE), *written.items()])
    recipe: Any = chosen.recipe
    assert recipe.stop == aq.TrainingReturn(150.0, 100)
    assert (recipe.evaluation, recipe.env.time_limit) == (aq.Evaluation(777, 100), 90)
    assert recipe.agent.rewards.factor == 0.3
    assert [line.split()[0] for line in chosen.said[1:]] == ["evaluation.episodes"]
    bins: Any = choose("cartpole/tabular", given(CAR, agent__network__cells__bins="5 6")).recipe.agent
    assert (bins.network.cells.bins, bins.network.cells.low) == ((5, 6), ())


def test_in_python_a_recipe_of_the_user_keeps_what_is_his(tmp_path: Path) -> None:
    shipped = aq.find("lunarlander/dqn")
    assert choose(shipped, given(POLE)).recipe.stop == aq.Never()
    own = aq.replace(shipped, {"stop.threshold": 450.0, "evaluation.episodes": 7, "env.time_limit": 300})
    moved = choose(own, given(POLE)).recipe
    assert (moved.stop, moved.evaluation.episodes) == (own.stop, 7)
    assert moved.env.time_limit == 300
    run = aq.train(shipped, env=POLE, steps=600, out=tmp_path / "run")
    assert run.recipe.stop == aq.Never()


def test_it_is_said_aloud_before_training(argmaxq: Command) -> None:
    words = ("train", "lunarlander/dqn", "--env", POLE, "--steps", "600", "--agent.network.hidden", "8")
    code, out, _ = argmaxq(*words)
    title, *changes, opening = out.splitlines()[:5]
    assert (code, title) == (0, "CartPole-v1 instead of LunarLander-v3; what belonged to that one:")
    assert changes[0] == "  stop training-return 200 100 dropped: training goes on to the last step"
    assert [line.split()[0] for line in changes[1:]] == ["evaluation.every", "evaluation.episodes"]
    assert opening.startswith("lunarlander/dqn on CartPole-v1")
    assert "solved" not in out
    assert len(argmaxq(*words, "--quiet")[1].splitlines()) == 1


def test_fewer_steps_are_evaluated_often_enough_for_a_curve() -> None:
    chosen = choose("frozenlake/q", [("steps", 200_000)])
    assert chosen.recipe.evaluation.every == 20_000
    assert chosen.said == ("evaluation.every 20,000 (was 250,000), for these 200,000 steps",)
    assert choose("frozenlake/q", [("steps", 3_000)]).recipe.evaluation.every == 2_000
    assert choose("pong/pqn", [("steps", 600_000)]).recipe.evaluation.every == 100_000


def test_evaluations_stay_where_the_user_wrote_them_or_the_recipe_is_his_or_makes_enough() -> None:
    recipe = aq.find("frozenlake/q")
    assert choose("frozenlake/q", []).recipe == recipe
    assert choose("frozenlake/q", [("steps", 1_250_000)]).recipe.evaluation == recipe.evaluation
    assert choose(recipe, [("steps", 200_000)]).recipe.evaluation == recipe.evaluation
    for every in (100_000, 0):
        given = [("steps", 200_000), ("evaluation.every", every)]
        assert choose("frozenlake/q", given).recipe.evaluation.every == every


def test_how_often_it_is_evaluated_does_not_change_what_is_learnt(tmp_path: Path) -> None:
    often, once = (
        aq.train(recipe, steps=20_000, out=tmp_path / name).arrays("last")
        for name, recipe in [("often", "frozenlake/q"), ("once", aq.find("frozenlake/q"))]
    )
    assert len(aq.Run(tmp_path / "often").evaluations()["step"]) == 10
    assert len(aq.Run(tmp_path / "once").evaluations()["step"]) == 1
    for name, array in often.items():
        np.testing.assert_array_equal(array, once[name])
