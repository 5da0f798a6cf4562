"""What the network sees of pictures: in a plot, beside the screen of a film, and on frames that Gymnasium renders."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.spaces import ArraySpec
from argmaxq.visualisation.observed import GROUND, Moment, beside, draw_observation, panels, pictured, spread
from argmaxq.visualisation.watch import watch
from support.commands import Command


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    recipe = aq.replace(
        aq.find("cartpole-pixels/pqn", steps=1_024),
        {"env.kwargs": {"height": 160, "width": 8}, "evaluation.every": 0, "diagnostics.every": 0},
    )
    return aq.train(recipe, out=tmp_path_factory.mktemp("pixels") / "run", quiet=True)


def test_a_policy_plays_on_frames_that_gymnasium_renders(run: aq.Run, argmaxq: Command) -> None:
    rendered = "argmaxq/CartPolePixelsRendered-v0"
    assert len(run.evaluate(3, which="last", env=rendered).returns) == 3
    with pytest.raises(UserError, match="CartPoleStackedRendered-v0: it has other observations"):
        run.evaluate(3, which="last", env="argmaxq/CartPoleStackedRendered-v0")
    words = ["evaluate", str(run.path), "--checkpoint", "last", "--episodes", "2"]
    assert argmaxq(*words, "--env", rendered)[1].startswith(f"{rendered}, 2 greedy episodes")
    assert argmaxq(*words, "--env", "CartPole-v1")[0] == 2
    assert argmaxq(*words, "--env", rendered, "--exact")[2].count("\n") == 1


def test_film_and_plot_show_what_is_seen(run: aq.Run, tmp_path: Path) -> None:
    watch(run, tmp_path / "film.gif", which="last", say=lambda line: None)
    with Image.open(tmp_path / "film.gif") as film:
        frame = np.asarray(film.convert("RGB"))
    assert frame.shape == (400, 600 + 6 + 2 * 8, 3)
    assert (frame[200, 300] > 200).all(), "the screen's paper"
    assert (np.abs(frame[200, -8:].astype(int) - 128) < 8).all(), "no difference yet"
    assert draw_observation(run, tmp_path / "seen.png", "last").stat().st_size > 5_000


def test_axes_are_read_as_frames_channels_or_planes() -> None:
    grey, stack = ArraySpec((20, 30), "uint8", (0,), (255,)), ArraySpec((4, 20, 30), "uint8", (0,), (255,))
    planes, colour = ArraySpec((10, 10, 4), "uint8", (0,), (1,)), ArraySpec((20, 30, 3), "uint8", (0,), (255,))
    assert [pictured(each) for each in (grey, stack, planes, colour)] == [True] * 4
    assert not pictured(ArraySpec((4,), "float32"))
    assert not pictured(ArraySpec((4, 2), "float32"))
    frames = np.arange(4 * 20 * 30, dtype=np.uint8).reshape(4, 20, 30)
    assert [each.shape for each in panels(frames, stack)] == [(20, 30, 3)] * 4
    np.testing.assert_array_equal(panels(frames, stack)[2][..., 1], frames[2])
    np.testing.assert_array_equal(panels(frames[0], grey)[0][..., 0], frames[0])
    painted = np.stack([frames[0]] * 3, axis=-1)
    np.testing.assert_array_equal(panels(painted, colour)[0], painted)
    board = np.zeros((10, 10, 4), np.uint8)
    board[2, 3, 1] = board[5, 5, 2] = 1
    (shown,) = panels(board, planes)
    assert len({tuple(each) for each in shown.reshape(-1, 3)}) == 3, "a colour for each plane, and the ground's"
    whole = beside(np.full((100, 50, 3), 9, np.uint8), frames, stack)
    assert whole.shape == (100, 50 + 6 + 30, 3)
    assert (whole[50, :50] == 9).all()
    assert (whole[21:27, -30:] == GROUND).all()


def test_moments_are_spread_over_an_episode_of_any_length() -> None:
    for length, steps in ((1, [0]), (3, [0, 1, 2]), (1_001, [248, 496, 744, 1_000])):
        kept = spread(Moment(step, None, np.zeros(1)) for step in range(length))
        assert [moment.step for moment in kept] == steps
