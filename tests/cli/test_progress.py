import io
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import argmaxq as aq
from argmaxq.training.progress import Bar, Done, Lines, Silent, progress
from support.runs import CARTPOLE


class Now:
    """A clock that stands still until told."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Iterator[Now]:
    return Now()


def test_lines_come_every_interval_and_at_the_end(now: Now, capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(50_000, now=now) as lines:
        for step in range(1_000, 12_001, 1_000):
            now.seconds += 1.0
            lines.update(Done(step, step), {"return": 21.257, "epsilon": np.float32(0.5)})
    shown = capsys.readouterr().out.splitlines()
    assert shown == [
        " 5000/50000 steps  1k steps/s  0:45 left  return 21.26  epsilon 0.5",
        "10000/50000 steps  1k steps/s  0:40 left  return 21.26  epsilon 0.5",
        "12000/50000 steps  1k steps/s  0:38 left  return 21.26  epsilon 0.5",
    ]


def test_a_resumed_run_counts_only_its_own_steps(now: Now, capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(50_000, start=Done(40_000, 40_000), now=now) as lines:
        now.seconds += 10.0
        lines.update(Done(41_000, 41_000), {})
    assert capsys.readouterr().out == "41000/50000 steps  100 steps/s  1:30 left\n"


def test_speed_is_the_recent_one(now: Now, capsys: pytest.CaptureFixture[str]) -> None:
    with Lines(10_000_000, now=now, interval=1e9) as lines:
        step = 0
        for rate in (10, 3_000):
            for _ in range(60):
                now.seconds += 1.0
                step += rate
                lines.update(Done(step, step), {})
    assert "3k steps/s" in capsys.readouterr().out


def test_the_last_state_is_shown_once_and_after_an_error_too(now: Now, capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with Lines(10, now=now) as lines:
            lines.update(Done(3, 3), {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert capsys.readouterr().out == " 3/10 steps\n"


def test_the_bar_shows_the_same_and_keeps_what_is_said() -> None:
    screen = io.StringIO()
    with Bar(50_000, console=Console(file=screen, force_terminal=True, width=80)) as bar:
        bar.update(Done(25_000, 25_000), {"return": 181.23, "epsilon": 0.04})
        bar.say("saved [last] checkpoint")
    text = screen.getvalue()
    assert "25k/50k" in text
    assert "steps/s" in text
    assert "return 181.2  epsilon 0.04" in text
    assert "saved [last] checkpoint\n" in text


def test_what_is_said_in_lines_is_printed_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    Lines(10).say("solved")
    assert capsys.readouterr().out == "solved\n"


def test_the_display_suits_the_output(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert isinstance(progress(10), Lines)
    with progress(10, quiet=True) as silent:
        silent.update(Done(5, 5), {"return": 1.0})
        silent.say("nothing")
    assert isinstance(silent, Silent)
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert isinstance(progress(10), Bar)


def test_speed_is_that_of_all_seeds_and_the_time_left_that_of_each(
    now: Now, capsys: pytest.CaptureFixture[str]
) -> None:
    with Lines(10_000, now=now) as lines:
        now.seconds += 10.0
        lines.update(Done(5_000, 20_000), {})
    assert capsys.readouterr().out == " 5000/10000 steps  2k steps/s  0:10 left\n"


@pytest.mark.parametrize("engine", ["compiled", "host"])
def test_a_summary_counts_the_steps_of_all_lanes_and_seeds(engine: Any, tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"steps": 800, "env.lanes": 2})
    summary = aq.train(recipe, seeds=3, engine=engine, out=tmp_path / "run").summary
    assert summary["steps_per_second"] == pytest.approx(3 * 800 / summary["training_seconds"], rel=1e-3)


def test_seeds_that_stopped_early_count_with_what_they_did(tmp_path: Path) -> None:
    recipe = aq.replace(CARTPOLE, {"stop": "evaluation-return", "stop.threshold": 9.5, "steps": 1_000})
    summary = aq.train(recipe, seeds=3, out=tmp_path / "run").summary
    steps = [seed["step"] for seed in summary["seeds"]]
    assert steps == [1_000, 1_000, 500]
    assert summary["steps_per_second"] == pytest.approx(sum(steps) / summary["training_seconds"], rel=1e-3)
