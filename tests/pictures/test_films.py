"""Films with numbers, as WebP, of several policies side by side; and the policies that are kept for them."""

from collections.abc import Iterator
from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from test_watch import Drawn, trained

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.reporting.names import branch_names
from argmaxq.reporting.video import write_video
from argmaxq.runs import checkpoint, kept
from argmaxq.training.block import Block
from argmaxq.verbs.policy import Regard
from argmaxq.visualisation.cells import Shot, laid_out
from argmaxq.visualisation.panel import LINE, WIDTH, Scale, bars, panel
from argmaxq.visualisation.watch import watch
from support.runs import CARTPOLE

KEEPING = aq.replace(CARTPOLE, {"evaluation.every": 200, "evaluation.keep": 4, "steps": 2_000})
ORANGE = (230, 159, 0)


def silent(text: str) -> None:
    pass


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(KEEPING, seeds=2, out=tmp_path_factory.mktemp("films") / "run")


@pytest.fixture(autouse=True)
def _no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")


def frames_of(film: Path) -> list[np.ndarray]:
    """Every frame of an animation, uint8 [height, width, 3]."""
    with Image.open(film) as image:
        found = []
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
        return found


@given(evaluations=st.integers(0, 300), most=st.integers(2, 20))
def test_what_is_kept_is_spread_evenly_and_was_held_when_it_was_made(evaluations: int, most: int) -> None:
    steps = [10 * number for number in range(1, evaluations + 1)]
    found = sorted(kept.wanted(steps, most))
    assert found[0] == 0
    assert most / 2 < len(found) <= most or len(found) == evaluations + 1
    assert len({*np.diff(found)}) <= 1
    for step in found[1:]:
        number = step // 10
        assert number % kept.distance(number, most) == 0, "a policy that is not held when it is made is lost"


def test_a_run_keeps_policies_on_the_way_and_is_else_as_it_was(run: aq.Run, tmp_path: Path) -> None:
    one = run.parts[0]
    steps = [0, *one.evaluations()["step"]]
    distance = kept.distance(len(steps) - 1, 4)
    assert list(kept.policies(one.path / "checkpoints")) == steps[::distance]
    without = aq.train(aq.replace(KEEPING, {"evaluation.keep": 0}), seeds=2, out=tmp_path / "without").parts[0]
    assert sorted(path.name for path in (without.path / "checkpoints").iterdir()) == ["best", "last"]
    for name in ("episodes.jsonl", "metrics.jsonl", "evaluations.jsonl"):
        assert (one.path / name).read_bytes() == (without.path / name).read_bytes()
    for name, array in one.arrays("last").items():
        np.testing.assert_array_equal(array, without.arrays("last")[name])
        assert not np.array_equal(array, one.arrays(0)[name]), "the first is not trained"
    assert one.step(steps[distance]) == steps[distance]
    assert one.evaluate(2, which=steps[distance]).returns


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_a_run_that_was_broken_off_keeps_the_same(engine: str, tmp_path: Path) -> None:
    def breaking(block: Block) -> None:
        if block.step >= 1_200:
            raise KeyboardInterrupt

    whole = aq.train(KEEPING, engine=engine, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        aq.train(KEEPING, engine=engine, out=tmp_path / "broken", callbacks=[breaking])
    broken = aq.resume(tmp_path / "broken")
    places = [kept.policies(each.path / "checkpoints") for each in (whole, broken)]
    assert list(places[0]) == list(places[1])
    for step, place in places[0].items():
        arrays, others = (checkpoint.load(each)[0] for each in (place, places[1][step]))
        for name in arrays:
            np.testing.assert_array_equal(arrays[name], others[name])


def test_numbers_stand_beside_the_picture_and_the_chosen_action_is_marked(run: aq.Run, tmp_path: Path) -> None:
    one = run.parts[0]
    returns = watch(one, tmp_path / "a.webp", show="numbers", say=silent)
    assert returns == list(one.evaluate(1).returns), "numbers change no action"
    frames = frames_of(tmp_path / "a.webp")
    assert len(frames) == returns[0] + 1
    assert all(frame.shape == (400, 600 + WIDTH, 3) for frame in frames)

    policy, obs = one.policy(), np.array([0.01, 0.2, -0.03, 0.1], np.float32)
    regard = policy.regard(obs, policy.start())
    shown = bars(regard, ("left", "right"))
    assert [bar.name for bar in shown if bar.chosen] == [("left", "right")[policy(obs)]]
    np.testing.assert_array_equal([bar.value for bar in shown], policy.values(obs))
    drawn = panel(["step 1"], shown, Scale().over(regard.values), 100).astype(int)
    marked = np.flatnonzero((abs(drawn - ORANGE).sum(axis=2) < 30).any(axis=1))
    assert (marked.mean() - marked.min()) < LINE, "one line of it is orange"
    low, high = Scale().over(np.array([1.0, 3.0, -np.inf])), Scale(0.0, 4.0)
    assert (low, high.share(1.0)) == (Scale(1.0, 3.0), 0.25)


def test_numbers_need_more_room_than_a_small_picture_has(tmp_path: Path) -> None:
    small = trained(Drawn, tmp_path / "run")
    watch(small, tmp_path / "a.webp", episodes=2, show="numbers", say=silent)
    assert {frame.shape for frame in frames_of(tmp_path / "a.webp")} == {(2 * 10 + LINE * 8, 8 + WIDTH, 3)}


def test_forbidden_actions_and_branches_have_bars_too() -> None:
    values = np.array([[1.0, -np.inf, 2.0], [0.5, 0.25, -np.inf]])
    names = branch_names(gym.spaces.MultiDiscrete([3, 2], start=[0, 5]))
    shown = bars(Regard(None, np.array([2, 0]), values, None, 1.0, ()), names)
    assert [(bar.name, bar.chosen) for bar in shown if bar.chosen] == [("choice 0: 2", True), ("choice 1: 5", True)]
    assert panel([], shown, Scale().over(values), 10).shape == (2 * 10 + LINE * 8, WIDTH, 3)
    assert bars(Regard(None, np.array(1), None, None, None, ()), ()) == []


def test_cells_that_end_early_hold_their_last_picture() -> None:
    def cell(length: int, colour: int) -> Iterator[Shot]:
        for step in range(length):
            yield Shot(np.full((60, 200, 3), colour + 10 * step, np.uint8), float(step), step == length - 1)

    frames = list(laid_out([[cell(2, 10), cell(1, 20)], [cell(4, 100), cell(3, 100)]], ["one", "two"]))
    assert len(frames) == 4 + 3, "episodes begin together"
    left = [frame[50, 10, 0] for frame in frames]
    right = [frame[50, -10, 0] for frame in frames]
    assert left == [10, 20, 20, 20, 20, 20, 20]
    assert right == [100, 110, 120, 130, 100, 110, 120]


def test_checkpoints_and_seeds_play_side_by_side(run: aq.Run, tmp_path: Path) -> None:
    said: list[str] = []
    returns = watch(run, tmp_path / "all.gif", which="all", seeds="all", say=said.append)
    ends = [line for line in said if "episode 1" in line]
    assert len(returns) == len(ends) > 4
    assert ends[0].startswith("seed ")
    assert any(line.startswith("seed 1, step 0, episode 1: return") for line in ends)
    assert sorted({line.split(",")[0] for line in ends}) == ["seed 0", "seed 1"]
    assert len(frames_of(tmp_path / "all.gif")) >= max(returns) + 1 - 1  # a GIF joins frames that are alike
    pair = watch(run.parts[1], tmp_path / "pair.mp4", which="0,best", say=silent)
    assert pair == [run.parts[1].evaluate(1, which=which).returns[0] for which in (0, "best")]


def test_what_cannot_be_shown_side_by_side_is_said(run: aq.Run, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"--seeds 7: .* has 0, 1, or say all"):
        watch(run, tmp_path / "a.mp4", seeds="7")
    with pytest.raises(UserError, match="no checkpoint 77: there are best, last, 0, "):
        watch(run, tmp_path / "a.mp4", which="77,best")
    with pytest.raises(UserError, match="a window shows one policy"):
        watch(run, which="all")
    with pytest.raises(UserError, match="--show nothing: there is no such thing to show"):
        watch(run, tmp_path / "a.mp4", show="nothing")  # type: ignore[arg-type]


def test_a_webp_animation_takes_its_time_and_begins_again(tmp_path: Path) -> None:
    pictures = [np.full((20, 30, 3), 60 * number, np.uint8) for number in range(4)]
    write_video(pictures, tmp_path / "a.webp", fps=30.0)
    with Image.open(tmp_path / "a.webp") as film:
        durations = []
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            durations.append(film.info["duration"])
        assert (sum(durations), {*durations}, film.info["loop"]) == (133, {33, 34}, 0)
    for picture, frame in zip(pictures, frames_of(tmp_path / "a.webp"), strict=True):
        assert abs(picture.astype(int) - frame).max() < 8
