"""Which colours and names regions of actions have, and where nothing is known of any."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest

import argmaxq as aq
from argmaxq.reporting.pictures import head_of, new_figure
from argmaxq.visualisation.observed import draw_observation
from argmaxq.visualisation.plot import plot
from argmaxq.visualisation.regions import MANY, OTHERS, SHADES, draw_legend, regions
from samples.own_environments import Own
from support.drawings import texts

CAMERA = {"camera": gym.spaces.Box(0, 255, (8, 8, 3), np.uint8), "speed": gym.spaces.Box(-1.0, 1.0, (2,), np.float32)}


def pictured_beside() -> Any:
    return Own(gym.spaces.Dict(CAMERA))


def names(count: int) -> list[str]:
    return [f"action {number}" for number in range(count)]


def test_few_actions_keep_their_colours() -> None:
    assert regions(np.zeros((2, 2), int), names(3)).labels == tuple(zip(names(3), SHADES, strict=False))


def test_of_many_actions_those_that_occur_have_a_colour_each() -> None:
    drawn = regions(np.array([[3, 9], [3, 15]]), names(16))
    assert [label for label, _ in drawn.labels] == ["action 3", "action 9", "action 15"]
    assert len({drawn.colours[action] for action in (3, 9, 15)}) == 3
    assert OTHERS not in {drawn.colours[action] for action in (3, 9, 15)}


def test_the_rarest_of_very_many_share_grey() -> None:
    best = np.repeat(np.arange(13), np.arange(13, 0, -1))
    drawn = regions(best, names(24))
    assert drawn.labels[-1] == ("3 other actions", OTHERS)
    assert drawn.colours[:10] == MANY
    assert set(drawn.colours[10:]) == {OTHERS}


def test_the_legend_is_beside_the_picture_and_below_the_title() -> None:
    figure = new_figure()
    figure.add_subplot()
    head_of(figure, "a title: greedy action")
    draw_legend(figure, regions(np.arange(11), names(16)), True)
    figure.draw_without_rendering()
    box, title, axes = (each.get_window_extent() for each in (figure.legends[0], figure._suptitle, figure.axes[0]))
    assert not box.overlaps(title)
    assert not box.overlaps(axes)
    assert figure.bbox.x1 >= box.x1 > box.x0 >= 0


@pytest.fixture(scope="module")
def tabular(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    changes = {"steps": 2_000, "evaluation.every": 0}
    return aq.train(aq.replace(aq.find("cartpole/tabular"), changes), out=tmp_path_factory.mktemp("tables") / "run")


def test_cells_without_an_update_are_blank(tabular: aq.Run, tmp_path: Path) -> None:
    assert "nothing learnt" in texts(plot(tabular, "phase", tmp_path / "a.svg", which="last"))


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    recipe = aq.replace(aq.find("cartpole/dqn"), {"steps": 64, "agent.learning_starts": 64, "evaluation.every": 0})
    return aq.train(recipe, env=pictured_beside, out=tmp_path_factory.mktemp("dict") / "run")


def test_of_a_dict_its_picture_is_drawn_and_an_entry_that_is_none(seeing: aq.Run, tmp_path: Path) -> None:
    assert draw_observation(seeing, tmp_path / "a.png", "last").stat().st_size > 5_000
    assert "speed 0" in texts(plot(seeing, "choices", tmp_path / "a.svg", which="last"))
    with pytest.raises(aq.UserError, match="draw observation"):
        plot(seeing, "phase", tmp_path / "b.svg", which="last")
