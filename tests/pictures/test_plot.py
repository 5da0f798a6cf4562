"""Pictures and exact judgements of runs."""

import json
import re
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from matplotlib.image import imread

import argmaxq as aq
from argmaxq.cli.main import main
from argmaxq.components.errors import UserError
from argmaxq.exact import judge, model_of, value_iteration
from argmaxq.visualisation.plot import plot
from argmaxq.visualisation.surface import axes_of, gridworld, plane, values_at
from support.drawings import texts


@pytest.fixture(scope="module")
def lake(tmp_path_factory: Any) -> aq.Run:
    return aq.train("frozenlake/q", steps=100_000, out=tmp_path_factory.mktemp("runs") / "lake")


@pytest.fixture(scope="module")
def car(tmp_path_factory: Any) -> aq.Run:
    return aq.train("mountaincar/sarsa-tiles", steps=4_000, out=tmp_path_factory.mktemp("runs") / "car")


def test_a_judgement_of_the_truth_finds_nothing_wrong() -> None:
    model = model_of(gym.make("FrozenLake-v1"))
    solution = value_iteration(model, 0.99)
    found = judge(model, solution.q, 0.99)
    assert (found.max_error, found.agreement, found.states) == (0.0, 1.0, 11)
    assert abs(found.optimal - 0.542025932000) < 1e-12
    assert abs(found.regret) < 1e-12
    worst = judge(model, -solution.q, 0.99)
    assert worst.regret > 0.5
    assert worst.agreement < 0.5


def test_a_policy_that_never_ends_is_worth_minus_infinity() -> None:
    model = model_of(gym.make("CliffWalking-v1"))
    found = judge(model, np.tile([1.0, 0.0, 0.0, 0.0], (48, 1)), 1.0)
    assert found.value == -np.inf
    assert judge(model, value_iteration(model, 1.0).q, 1.0)[2:5] == (-13.0, -13.0, 0.0)


def test_tabular_learning_comes_within_a_hundredth_of_the_optimum(lake: aq.Run, capsys: Any) -> None:
    found = lake.judge("last")
    assert found.value >= 0.99 * found.optimal
    assert main(["evaluate", str(lake.path), "--exact", "--checkpoint", "last", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(found.value)
    assert main(["evaluate", str(lake.path), "--exact"]) == 0
    assert "solved exactly, gamma 0.99, 11 states" in capsys.readouterr().out


@pytest.mark.parametrize("what", ["phase", "value", "visits", "schedule"])
def test_every_picture_of_both_kinds_is_drawn(what: Any, lake: aq.Run, car: aq.Run, tmp_path: Path) -> None:
    png = plot(lake, what, tmp_path / "lake.png")
    assert png.read_bytes().startswith(b"\x89PNG")
    if what == "schedule":
        with pytest.raises(UserError, match="no record of an epsilon"):
            plot(car, what, tmp_path / "car.svg")
        return
    svg = plot(car, what, tmp_path / "car.svg", which="last").read_text()
    assert "<svg" in svg
    assert (tmp_path / "car.svg").stat().st_size < 3_000_000


def test_the_command_says_where_the_picture_is(car: aq.Run, tmp_path: Path, capsys: Any) -> None:
    out = tmp_path / "one.png"
    assert main(["plot", str(car.path), "--entries", "1", "--out", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    for wrong, words in [
        (["--what", "art"], "there is no such picture"),
        (["--out", "a.pdf"], "must end in"),
        (["--what", "phase", "--entries", "0,7"], "from 0 to 1"),
        (["--entries", "a"], "whole numbers"),
    ]:
        assert main(["plot", str(car.path), *wrong]) == 2
        assert words in capsys.readouterr().err


def test_a_plane_holds_the_policys_own_values(car: aq.Run) -> None:
    policy = car.policy("last")
    cut = plane(policy, axes_of(policy, ()), np.zeros((1, 2)))
    assert cut.whole
    q = values_at(policy, cut.observations)
    assert q.shape == (201, 201, 3)
    for row, column in [(0, 0), (100, 30), (200, 200)]:
        obs = np.array([cut.axes[0][row], cut.axes[1][column]], np.float32)
        assert policy(obs) == q[row, column].argmax()


def test_a_plane_lies_where_episodes_go_and_holds_the_others_at_their_medians(cartpoles: aq.Run) -> None:
    policy = cartpoles.parts[0].policy()
    seen = np.random.default_rng(0).normal([0, 0, 0.1, -2.0], [1, 0, 0.01, 0.5], (999, 4)).astype(np.float32)
    cut = plane(policy, (0, 3), seen)
    assert (cut.whole, cut.held) == (False, [1, 2])
    for axis, entry in zip(cut.axes, (0, 3), strict=True):
        low, high = seen[:, entry].min(), seen[:, entry].max()
        assert axis[0] == pytest.approx(max(low - 0.05 * (high - low), policy.adaptor.spaces.observation.low[entry]))
        assert low > axis[0] > low - 0.1 * (high - low)
        assert high < axis[-1] < high + 0.1 * (high - low)
    held = cut.observations.reshape(-1, 4)[:, cut.held]
    np.testing.assert_array_equal(held, np.broadcast_to(np.median(seen, axis=0)[cut.held], held.shape))
    still = plane(policy, (1,), seen)  # along an entry that never changed, between its bounds
    assert still.axes[0][-1] - still.axes[0][0] > 1.0


@pytest.mark.parametrize("what", ["phase", "value"])
def test_a_phase_picture_says_at_what_the_other_entries_are_held(cartpoles: aq.Run, what: str, tmp_path: Path) -> None:
    written = " ".join(texts(plot(cartpoles.parts[0], what, tmp_path / "a.svg", entries=(0, 1))))
    assert "over where 50 greedy and 50 random episodes go" in written
    assert re.search(
        r"held at their medians there: angle \[rad\] -?[\d.e-]+, angular velocity \[rad/s\] -?[\d.]+", written
    )
    assert {"position [m]", "velocity [m/s]"} <= {*texts(tmp_path / "a.svg")}


@pytest.mark.parametrize("kwargs", [{}, {"map_name": "8x8"}])
def test_a_map_fills_its_picture(kwargs: dict[str, str], tmp_path: Path) -> None:
    run = aq.train("frozenlake/q", env_kwargs=kwargs, steps=20_000, out=tmp_path / "run")
    picture = imread(plot(run, "phase", tmp_path / "a.png"))[..., :3]
    drawn = np.abs(picture - 1.0).max(axis=-1) > 0.02
    columns = np.flatnonzero(drawn.any(axis=0))
    assert columns[0] < 0.1 * picture.shape[1]
    assert columns[-1] > 0.9 * picture.shape[1]
    cells = np.flatnonzero(drawn.mean(axis=0) > 0.3)  # a map's cells, not an axis' numbers
    assert cells[0] < 0.15 * picture.shape[1]


def test_maps_are_those_of_the_environments() -> None:
    lake = gridworld(aq.Env("FrozenLake-v1", {"map_name": "8x8"}))
    assert lake.letters.shape == (8, 8)
    assert (lake.letters[0, 0], lake.letters[7, 7], lake.states[7, 7]) == ("S", "G", 63)
    cliff = gridworld(aq.Env("CliffWalking-v1"))
    assert "".join(cliff.letters[3]) == "SCCCCCCCCCCG"
    with pytest.raises(UserError, match="no map"):
        gridworld(aq.Env("Taxi-v4"))
