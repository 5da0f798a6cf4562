"""Losses and choices of agents that were really trained, and the verb that draws them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import gymnasium as gym
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

import argmaxq as aq
from argmaxq.cli import main
from argmaxq.component import UserError
from argmaxq.domains import DOMAINS, functional, goal_features
from argmaxq.domains.cartpole import CartPole
from argmaxq.domains.goal import Goal
from argmaxq.domains.platform import HOP, LEAP, RUN, Platform
from argmaxq.environments.source import single
from argmaxq.recipe import Env
from argmaxq.reporting.choices import MOST, Choices, draw_choices, panels, play
from argmaxq.reporting.losses import draw_losses, load_losses, running_mean
from argmaxq.reporting.names import action_names, bands, entry_name, in_units
from argmaxq.reporting.plot import plot
from argmaxq.training.evaluation import Evaluator
from argmaxq.training.records import Records, read
from runs import CARTPOLE

PLATFORM = Env("argmaxq/Platform-v0")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    recipe = aq.replace(aq.find("platform/mpdqn"), {"evaluation.every": 1_000, "evaluation.episodes": 5})
    return aq.train(recipe, steps=1_500, out=tmp_path_factory.mktemp("pictures") / "platform", name="platform/mpdqn")


@pytest.fixture(scope="module")
def discretised(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train("platform/dqn-discrete", steps=600, out=tmp_path_factory.mktemp("pictures") / "discretised")


@pytest.fixture(scope="module")
def cartpoles(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(CARTPOLE, seeds=2, out=tmp_path_factory.mktemp("pictures") / "cartpole", name="cartpole/dqn")


def texts(svg: Path) -> list[str]:
    """What is written in a picture: Matplotlib puts each text into a comment beside its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.parse(svg, parser)
    return [str(node.text).strip() for node in tree.iter() if node.tag is ElementTree.Comment]


def episodes_by_hand(run: aq.Run, episodes: int, seed: int) -> list[tuple[Any, Any]]:
    """Observations and the environment's own actions of the episodes that evaluation plays."""
    policy, env = run.policy(), single(run.recipe.env)
    seen = []
    for word in np.random.SeedSequence([seed, 2]).generate_state(episodes) >> 1:
        obs, over = env.reset(seed=int(word))[0], False
        while not over:
            action = policy(obs)
            seen.append((obs, action))
            obs, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
    return seen


def ordered(rows: Any) -> np.ndarray:
    """Rows [n, m] in an order of their own."""
    table = np.array(rows, float)
    return table[np.lexsort(table.T[::-1])]


# Choices


def chosen(choices: Choices) -> list[tuple[float, float, float]]:
    """Action, its one parameter and the first entry of the observation."""
    assert choices.parameters is not None
    return [
        (float(action), float(own[action]), float(obs[0]))
        for obs, action, own in zip(choices.observations, choices.actions, choices.parameters, strict=True)
    ]


@pytest.mark.parametrize("name", ["platform", "discretised"])
def test_choices_are_what_the_environment_was_given(name: str, request: pytest.FixtureRequest) -> None:
    run = request.getfixturevalue(name)
    rows = [(action, own[int(action)][0], obs[0]) for obs, (action, own) in episodes_by_hand(run, 6, 3)]
    played, by_hand = np.array(chosen(play(run, 6, seed=3))), np.array(rows, float)
    assert played.shape == by_hand.shape
    # A batch is rounded otherwise than one observation, so no order is quite the same: each has its like in the other.
    distance = (np.abs(played[:, None] - by_hand) / by_hand.max(axis=0, initial=1e-3)).max(axis=-1)
    assert distance.min(axis=0).max() < 1e-3
    assert distance.min(axis=1).max() < 1e-3


def test_discretised_actions_have_the_parameters_that_they_stand_for(discretised: aq.Run) -> None:
    choices = discretised.recipe.env.choices
    found = play(discretised, 6)
    assert found.kinds == 3
    for action, parameter, _ in chosen(found):
        assert np.abs(np.array(choices[int(action)]) - parameter).min() < 1e-3


def test_discrete_actions_are_those_of_the_policy(cartpoles: aq.Run) -> None:
    run = cartpoles.parts[0]
    found = play(run, 3)
    by_hand = [(*obs, action) for obs, action in episodes_by_hand(run, 3, 1)]
    assert found.kinds == 2
    rows = np.column_stack([found.observations, found.actions])
    np.testing.assert_allclose(ordered(rows), ordered(by_hand), rtol=1e-6)


def vector(num_envs: int) -> Callable[[], Any]:
    return lambda: gym.make_vec("CartPole-v1", num_envs=num_envs, vectorization_mode="sync")


@pytest.mark.parametrize(
    ("env", "width"),
    [(Env("CartPole-v1"), 32), (Env(CartPole, time_limit=100), 40), (Env(vector(20)), 20)],
    ids=["gymnasium", "functional", "vector"],
)
def test_a_witness_sees_each_step_of_each_episode_once(env: Env, width: int) -> None:
    seen: list[tuple[np.ndarray, np.ndarray]] = []
    evaluator = Evaluator(env)
    returns, _ = evaluator.play(
        lambda obs: np.arange(len(obs), dtype=np.int32) % 2, 40, [1], lambda obs, actions: seen.append((obs, actions))
    )
    evaluator.close()
    observations, actions = (np.concatenate(each) for each in zip(*seen, strict=True))
    assert len(observations) == len(actions) == returns.sum()  # each step of CartPole earns 1
    assert max(len(obs) for obs, _ in seen) == width
    assert (np.abs(observations[:, 2]) <= CartPole.angle_limit).all(), "nothing is chosen once the pole has fallen"


def test_a_panel_shows_one_parameter_of_one_action(platform: aq.Run) -> None:
    choices = play(platform, 6)
    across = choices.observations[:, 0]
    found = panels(choices, across, ("run", "hop", "leap"))
    assert [panel.name.partition(":")[0] for panel in found] == ["run", "hop", "leap"]
    assert [panel.bounds for panel in found] == [(0, 30), (0, 720), (0, 430)]
    rows = [
        (action, value, x)
        for action, panel in enumerate(found)
        for x, value in zip(panel.across, panel.values if panel.values is not None else (), strict=True)
    ]
    np.testing.assert_array_equal(ordered(rows), ordered(chosen(choices)))


def test_of_many_actions_those_chosen_most_are_shown(tmp_path: Path) -> None:
    recipe = aq.replace(aq.find("platform/mpdqn"), {"env.id": "argmaxq/HardMove-v0", "evaluation.every": 0})
    choices = play(aq.train(recipe, steps=600, out=tmp_path / "run"), 4)
    assert choices.kinds == 16
    found = panels(choices, choices.observations[:, 0], [str(action) for action in range(16)])
    sizes = [len(panel.across) for panel in found]
    assert sorted(sizes) == sorted(np.bincount(choices.actions, minlength=16))[-MOST:]


def test_platforms_picture_says_what_is_shown(platform: aq.Run, tmp_path: Path) -> None:
    out = draw_choices(platform, tmp_path / "new" / "choices.svg", episodes=3)
    written = texts(out)
    assert "mpdqn on argmaxq/Platform-v0: choices in 3 greedy episodes" in written
    assert "x of the player [px]" in written
    assert written.count("gap") == 6
    for name in ("run: ", "hop: ", "leap: "):
        assert sum(text.startswith(name) for text in written) == 1
    other = draw_choices(platform, tmp_path / "other.svg", episodes=1, dimension=2)
    assert {"x of the enemy [px]", "mpdqn on argmaxq/Platform-v0: choices in one greedy episode"} <= set(texts(other))


def test_a_picture_of_discrete_actions_names_them(cartpoles: aq.Run, tmp_path: Path) -> None:
    written = texts(draw_choices(cartpoles.parts[1], tmp_path / "choices.svg", episodes=2, dimension=2))
    assert "angle [rad]" in written
    assert any(text.startswith("push left") for text in written)


# Names and units


@pytest.mark.parametrize("id", DOMAINS)
def test_names_fit_the_environment(id: str) -> None:
    env = Env(id)
    source: Any = functional(id)
    names = [entry_name(env, entry) for entry in range(source.observation_space.shape[0] + 1)]
    assert len({*names}) == len(names)
    assert [name.startswith("observation ") for name in names] == [False] * (len(names) - 1) + [True]
    if hasattr(source, "action_names"):
        space = source.action_space
        count = int(space.n if isinstance(space, gym.spaces.Discrete) else space[0].n)
        assert action_names(env, count) == source.action_names


def test_what_has_no_names_is_numbered() -> None:
    assert action_names(Env("LunarLander-v3"), 2) == ("action 0", "action 1")
    assert action_names(PLATFORM, 4)[3] == "action 3"
    assert entry_name(Env("LunarLander-v3"), 7) == "right leg"
    assert entry_name(Env("LunarLander-v3"), 8) == "observation 8"
    assert bands(Env("LunarLander-v3"), 0) == ()
    np.testing.assert_array_equal(in_units(Env("CartPole-v1"), 1, np.array([0.5])), [0.5])


def test_the_actions_of_platform_are_named_in_their_order() -> None:
    assert tuple(Platform.action_names[action] for action in (RUN, HOP, LEAP)) == ("run", "hop", "leap")


def test_platforms_observations_are_told_in_its_units() -> None:
    world = Platform()
    state = world.initial(jax.random.key(0))
    state = state._replace(
        **{
            name: jnp.float32(value)
            for name, value in {"x": 500.0, "velocity_x": 60.0, "enemy_2_x": 700.0, "enemy_2_velocity": -12.0}.items()
        }
    )
    obs = np.asarray(world.observation(state, None))
    told = [float(in_units(PLATFORM, entry, obs[[entry]])[0]) for entry in range(9)]
    np.testing.assert_allclose(told, [500, 60, 700, -12, 275, 50, 235, 475, 0], atol=1e-3)


@pytest.mark.parametrize("legacy", [False, True])
def test_goals_features_are_told_in_its_units(legacy: bool) -> None:
    env = Env("argmaxq/Goal-v0", {"legacy": legacy, "features": True})
    scene = Goal().initial(jax.random.key(3)).scene
    scene = scene._replace(ball=scene.ball._replace(position=jnp.array([7.0, -4.0])))
    features = np.asarray(goal_features.features(scene, legacy))
    told = [float(in_units(env, entry, features[[entry]])[0]) for entry in range(17)]
    place = goal_features.keeper_projection(scene, 14.02 if legacy else 7.01)
    expected = [*np.asarray(goal_features.state_vector(scene)), *features[14:16], float(place)]
    np.testing.assert_allclose(told, expected, atol=1e-4)


# Losses


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30))
def test_the_running_mean_is_centred(values: list[float]) -> None:
    ends = [min(2, at, len(values) - 1 - at) for at in range(len(values))]
    expected = [np.mean(values[at - half : at + half + 1]) for at, half in enumerate(ends)]
    np.testing.assert_allclose(running_mean(np.array(values)), expected, atol=1e-9)


def test_losses_are_those_recorded(platform: aq.Run, cartpoles: aq.Run) -> None:
    losses = load_losses(platform.path)
    rows = [row for row in read(platform.path, "metrics") if "loss" in row]
    assert [list(line.values) for line in losses.values()] == [
        [row[name] for row in rows] for name in ("loss", "actor_loss")
    ]
    assert losses["loss"].steps[-1] == 1_500
    assert list(load_losses(cartpoles.parts[0].path)) == ["loss"]


def metrics(folder: Path, *losses: float, **others: float) -> Path:
    folder.mkdir(parents=True)
    records = Records(folder)
    rows = [{"step": 100 * number, "loss": loss, **others} for number, loss in enumerate(losses, start=1)]
    records.append("metrics", [{"step": 0, "epsilon": 1.0}, *rows])
    records.flush()
    return folder


def test_a_loss_that_was_no_number_is_left_out(tmp_path: Path) -> None:
    line = load_losses(metrics(tmp_path / "run", 1.0, float("nan"), 3.0))["loss"]
    assert line.steps.tolist() == [100, 300]
    assert line.values.tolist() == [1, 3]


def test_each_loss_has_a_panel(platform: aq.Run, cartpoles: aq.Run, tmp_path: Path) -> None:
    written = texts(draw_losses(platform.path, tmp_path / "a.svg"))
    assert {"mpdqn on argmaxq/Platform-v0", "Q loss", "actor loss", "environment steps"} <= set(written)
    written = texts(draw_losses(cartpoles.path, tmp_path / "b.svg"))
    assert {"dqn on CartPole-v1, 2 seeds", "Q loss", "median and quartiles"} <= set(written)
    assert "actor loss" not in written


def test_seeds_are_drawn_from_their_common_folder_or_a_list(cartpoles: aq.Run, tmp_path: Path) -> None:
    together = draw_losses(cartpoles.path, tmp_path / "a.png")
    listed = draw_losses([part.path for part in cartpoles.parts], tmp_path / "b.png")
    one = draw_losses(cartpoles.parts[0].path, tmp_path / "c.png")
    np.testing.assert_array_equal(imread(together), imread(listed))
    assert (imread(together) != imread(one)).any()


@pytest.mark.parametrize(("last", "logarithmic"), [(0.5, False), (0.001, True), (-0.001, False)])
def test_losses_of_several_orders_of_magnitude_have_a_logarithmic_axis(
    tmp_path: Path, last: float, logarithmic: bool
) -> None:
    written = texts(draw_losses(metrics(tmp_path / "run", 1.0, 0.3, last), tmp_path / "a.svg"))
    assert any("10^" in text for text in written) == logarithmic


@pytest.mark.parametrize("losses", [(2.0,), (2.0, 2.0, 2.0)])
def test_a_single_loss_and_constant_ones_are_drawn(tmp_path: Path, losses: tuple[float, ...]) -> None:
    folder = metrics(tmp_path / "run", *losses, actor_loss=0.0)
    assert "actor loss" in texts(draw_losses(folder, tmp_path / "a.svg"))


def test_a_run_that_has_not_learnt_has_no_losses(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no loss is recorded"):
        draw_losses(metrics(tmp_path / "run"), tmp_path / "a.png")
    with pytest.raises(UserError, match="no loss is recorded"):
        draw_losses(tmp_path, tmp_path / "a.png")


# The verb


@pytest.mark.parametrize("what", ["curve", "loss", "choices"])
@pytest.mark.parametrize("name", ["platform", "cartpoles"])
def test_each_picture_is_drawn_as_png_and_svg(
    name: str, what: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = request.getfixturevalue(name).parts[0]
    assert main(["plot", str(run.path), "--what", what]) == 0
    drawn = run.path / f"{what}.png"
    assert capsys.readouterr().out == f"{drawn}\n"
    assert imread(drawn).std() > 0.05
    if what != "choices":  # takes long, and is drawn as SVG above
        out = tmp_path / "new" / f"{what}.SVG"
        assert plot(run, what, out) == out
        assert len(texts(out)) > 5


def test_the_entry_and_the_checkpoint_can_be_chosen(platform: aq.Run, tmp_path: Path) -> None:
    argv = ["plot", str(platform.path), "--what", "choices", "--entries", "1", "--checkpoint", "last"]
    assert main([*argv, "--out", str(tmp_path / "choices.svg")]) == 0
    assert "speed of the player [px/s]" in texts(tmp_path / "choices.svg")


MISTAKES = {
    "--what wave": "--what wave: there is no such picture: known: choices, curve, loss",
    "--what los": "did you mean loss?",
    "--out picture.jpg": "picture.jpg: a picture's name must end in .png or .svg",
    "--what loss --out picture": "picture: a picture's name must end in .png or .svg",
    "--what choices --entries 9": "entry 9: the observation has entries 0 to 8",
    "--what choices --entries -1": "entry -1: the observation has entries 0 to 8",
    "--what choices --entries 0,1": "entries 0, 1: choices are drawn along one entry",
    "--what choices --entries x": "--entries x: whole numbers with a comma between",
    "--what choices --checkpoint 77": "no checkpoint 77: there are best, last",
}


@pytest.mark.parametrize("given", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_no_file(
    given: str, platform: aq.Run, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in given else ["--out", "picture.png"]
    assert main(["plot", str(platform.path), *given.split(), *out]) == 2
    error = capsys.readouterr().err
    assert MISTAKES[given] in error
    assert error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_choices_of_several_seeds_are_drawn_one_by_one(cartpoles: aq.Run) -> None:
    with pytest.raises(UserError, match="holds 2 runs: name one of them"):
        plot(cartpoles, "choices")


def test_episodes_and_seed_are_checked(platform: aq.Run, tmp_path: Path) -> None:
    for wrong in ({"episodes": 0}, {"seed": -1}):
        with pytest.raises(UserError, match="at least one episode"):
            draw_choices(platform, tmp_path / "a.png", **wrong)


def test_a_run_from_elsewhere_needs_no_name(platform: aq.Run, tmp_path: Path) -> None:
    folder = metrics(tmp_path / "mine", 1.0, 2.0)
    (folder / "config.json").write_text(json.dumps({"name": "mine"}))
    assert "mine" in texts(draw_losses(folder, tmp_path / "a.svg"))
