"""Losses of runs, and their pictures."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.image import imread

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.reporting.losses import draw_losses, load_losses, running_mean
from argmaxq.runs.records import read
from support.drawings import metrics, texts


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


def test_records_from_elsewhere_need_no_configuration(tmp_path: Path) -> None:
    folder = metrics(tmp_path / "mine", 1.0, 2.0)
    assert not (folder / "config.json").exists()
    assert "mine" in texts(draw_losses(folder, tmp_path / "a.svg"))
