"""Pictures and exact judgements of runs."""

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.cli.main import main
from argmaxq.components.errors import UserError
from argmaxq.exact import judge, model_of, value_iteration
from argmaxq.visualisation.plot import plot
from argmaxq.visualisation.surface import axes_of, gridworld, plane, values_at


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


def test_maps_are_those_of_the_environments() -> None:
    lake = gridworld(aq.Env("FrozenLake-v1", {"map_name": "8x8"}))
    assert lake.letters.shape == (8, 8)
    assert (lake.letters[0, 0], lake.letters[7, 7], lake.states[7, 7]) == ("S", "G", 63)
    cliff = gridworld(aq.Env("CliffWalking-v1"))
    assert "".join(cliff.letters[3]) == "SCCCCCCCCCCG"
    with pytest.raises(UserError, match="no map"):
        gridworld(aq.Env("Taxi-v4"))
