"""Tuning: ranges, what is asked, which trials end early, and that a killed one goes on as if nothing had been."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.runs.track import PRUNED
from argmaxq.studies import group
from argmaxq.studies.plan import Member
from argmaxq.studies.pruning import Standing, beaten
from argmaxq.tuning import ranges, tune
from argmaxq.tuning.asking import Trial, asked
from argmaxq.tuning.ranges import Range
from support.runs import CARTPOLE
from support.studied import Here

OVER = {"agent.optimiser.learning_rate": ("1e-4..1e-1", "log"), "agent.gamma": "0.5..0.99"}


def test_half_of_the_settings_are_left_after_each_rung() -> None:
    scores = {0: (9.0, 1.0), 1: (4.0, 4.0), 2: (7.0, 5.0), 3: (0.0, 8.0), 4: (2.0, 2.0)}  # means 5, 4, 6, 4, 2
    going = [Standing(2 * number + seed, number, scores[number][seed]) for number in scores for seed in (0, 1)]
    assert beaten(going, 5, 0) == []
    assert beaten(going, 5, 1) == [6, 7, 8, 9]  # of 1 and 3, which are equal, the earlier one stays
    assert beaten(going[:6], 5, 1) == []  # asked again
    assert beaten(going[:6], 5, 2) == [2, 3]


@pytest.mark.parametrize(
    "words", [["agent.gamma=0.9"], ["agent.gamma=0.9..0.5"], ["agent.gamma=0..1", "log"], ["agent.gama=0..1"], ["x"]]
)
def test_ranges_that_are_none(words: list[str]) -> None:
    with pytest.raises(aq.UserError):
        ranges.read(words, CARTPOLE)


def test_ranges() -> None:
    assert ranges.read(["agent.optimiser.learning-rate=1e-4..1e-2", "log"], CARTPOLE)[1] == Range(1e-4, 1e-2, True)
    assert ranges.read(["agent.batch_size=8..64"], CARTPOLE)[1] == Range(8, 64, whole=True)
    assert ranges.read(["agent.exploration.epsilon=0.01..0.2", "log"], CARTPOLE)[1] == Range(0.01, 0.2, True)
    assert ranges.read(["agent.bootstrap=max,double"], CARTPOLE)[1].choices == ("max", "double")


def test_what_is_asked_depends_on_the_past_alone() -> None:
    pytest.importorskip("optuna")
    over = {"x": Range(1e-4, 1.0, True), "y": Range(choices=("a", "b"))}
    past = [Trial({"x": 10.0**-power, "y": "a"}, float(power), power % 2 == 0) for power in range(4)]
    one, again = (asked(over, past, 3, 8, None) for _ in range(2))
    assert one == again
    assert len({values["x"] for values in one}) == 8
    assert asked(over, [], 0, 4, {"x": 0.5, "y": "b"})[0] == {"x": 0.5, "y": "b"}


def trained_alike(*scores: float) -> list[Trial]:
    return [Trial({"agent.gamma": 0.9 + number / 100}, score, True) for number, score in enumerate(scores)]


def test_other_seeds_choose_among_the_best_trials() -> None:
    """A trial that was lucky with its only seed is not the best over nine; with a hundred seeds it was no luck."""
    finalists, again = trained_alike(500.0, 310.0, 320.0), trained_alike(100.0, 300.0, 290.0)
    assert tune.best_over_all(finalists, again, 1) == finalists[1]
    assert tune.best_over_all(finalists, again, 100) == finalists[0]


@pytest.mark.slow
def test_a_tuning_ends_what_is_beaten_and_goes_on_after_a_kill(tmp_path: Path, monkeypatch: Any) -> None:
    pytest.importorskip("optuna")
    monkeypatch.setattr(group, "PAYS", float("inf"))
    monkeypatch.setattr(tune, "chosen", lambda: Here)
    options: dict[str, Any] = {"trials": 6, "seeds": 4, "reported": 3}
    tuned = tune.tune(CARTPOLE, OVER, out=tmp_path / "tuned", **options)
    assert len(tuned.trials) == 6
    layout = tune.opened(tuned.path / "rounds" / "000")
    ends = [layout.run(Member(setting, 1000)).summary["seeds"][0] for setting in range(4)]
    assert sorted(end["step"] for end in ends) == [1000, 1000, 2000, 2000]
    assert [end["stopped"] == PRUNED for end in ends].count(True) == 2
    assert [trial.whole for trial in tuned.trials].count(True) == 3  # of 4 two, and of 2 one
    final = tune.opened(tuned.path / "final")
    assert (len(final.data["settings"]), list(final.seeds)) == (6, list(range(1004, 1012)))
    assert "on 3 fresh seeds" in tuned.told()

    killed = shutil.copytree(tuned.path, tmp_path / "killed")  # in the making of the second round
    for each in ("rounds/001/study.json", "best.json"):
        (killed / each).unlink()
    for later in ("final", "report"):
        shutil.rmtree(killed / later)
    again = tune.resume(killed)
    assert again.trials == tuned.trials
    assert again.values == tuned.values
    assert np.array_equal(again.scores, tuned.scores)
