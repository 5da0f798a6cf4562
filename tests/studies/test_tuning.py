"""Tuning: ranges, what is asked, which trials end early, and that a killed one goes on as if nothing had been."""

import json
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
from support.commands import Command
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
    "words",
    [
        *(["agent.gamma=0.9"], ["agent.gamma=0.9..0.5"], ["agent.gamma=0..1", "log"], ["agent.gama=0..1"], ["x"]),
        ["agent.gamma=0.9,9e-1"],
    ],
)
def test_ranges_that_are_none(words: list[str]) -> None:
    with pytest.raises(aq.UserError):
        ranges.read(words, CARTPOLE)


def test_ranges() -> None:
    assert ranges.read(["agent.optimiser.learning-rate=1e-4..1e-2", "log"], CARTPOLE)[1] == Range(1e-4, 1e-2, True)
    assert ranges.read(["agent.batch_size=8..64"], CARTPOLE)[1] == Range(8, 64, whole=True)
    assert ranges.read(["agent.exploration.epsilon=0.01..0.2", "log"], CARTPOLE)[1] == Range(0.01, 0.2, True)
    assert ranges.read(["agent.bootstrap=max,double"], CARTPOLE)[1].choices == ("max", "double")


@pytest.mark.parametrize(
    ("words", "own"),
    [
        ("agent.batch_size=16,64", "16"),
        ("agent.gamma=0.5,99e-2", "99e-2"),
        ("agent.network.layer_norm=true,False", "False"),
        ("agent.network.hidden=16 16,32", "16 16"),
        ("agent.bootstrap=max,double", "max"),
        ("agent.replay=Uniform,prioritised", "Uniform"),
        ("agent.gamma=0.5,0.9", None),
        ("agent.batch_size=8..64", 16),
        ("agent.batch_size=32..64", None),
    ],
)
def test_the_recipes_own_value_is_tried_as_the_choice_that_gives_it(words: str, own: Any) -> None:
    path, found = ranges.read([words], aq.replace(CARTPOLE, {"agent.bootstrap": "max", "agent.gamma": 0.99}))
    assert ranges.own_value(aq.replace(CARTPOLE, {"agent.bootstrap": "max", "agent.gamma": 0.99}), path, found) == own


def test_what_is_asked_depends_on_the_past_alone() -> None:
    pytest.importorskip("optuna")
    over = {"x": Range(1e-4, 1.0, True), "y": Range(choices=("a", "b"))}
    past = [Trial({"x": 10.0**-power, "y": "a"}, float(power), power % 2 == 0) for power in range(4)]
    one, again = (asked(over, past, 3, 8, None) for _ in range(2))
    assert one == again
    assert len({values["x"] for values in one}) == 8
    assert asked(over, [], 0, 4, {"x": 0.5, "y": "b"})[0] == {"x": 0.5, "y": "b"}


def test_what_was_asked_is_not_asked_again() -> None:
    pytest.importorskip("optuna")
    over = {"y": Range(choices=("a", "b")), "z": Range(1, 2, whole=True)}
    found = asked(over, [], 0, 4, {"y": "b", "z": 1})
    assert sorted(tuple(each.values()) for each in found) == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]
    past = [Trial(values, 1.0, True) for values in found[1:]]
    assert asked(over, past, 1, 16, None) == [{"y": "b", "z": 1}]


def trained_alike(*scores: float) -> list[Trial]:
    return [Trial({"agent.gamma": 0.9 + number / 100}, score, True) for number, score in enumerate(scores)]


def test_other_seeds_choose_among_the_best_trials() -> None:
    """A trial that was lucky with its only seed is not the best over nine; with a hundred seeds it was no luck."""
    finalists, again = trained_alike(500.0, 310.0, 320.0), trained_alike(100.0, 300.0, 290.0)
    assert tune.best_over_all(finalists, again, 1) == finalists[1]
    assert tune.best_over_all(finalists, again, 100) == finalists[0]


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trials are trained in this process."""
    pytest.importorskip("optuna")
    monkeypatch.setattr(tune, "chosen", lambda: Here)


@pytest.mark.usefixtures("here")
def test_a_recipe_that_no_trial_beats_is_not_compared_with_itself(tmp_path: Path, argmaxq: Command) -> None:
    over = {"agent.gamma": "0.5,1e0", "agent.normaliser": "unscaled,running"}
    tuned = tune.tune("cliff/q", over, trials=1, seeds=1, reported=2, steps=200, out=tmp_path / "tuned")
    own = {"agent.gamma": "1e0", "agent.normaliser": "unscaled"}
    assert (tuned.values, tuned.scores.shape) == (own, (2, 0))
    assert tuned.told().startswith("  no trial beat the recipe's own values (1 trial, 1 of them trained to the end):")
    best = json.loads((tuned.path / "best.json").read_text())
    assert best == {"values": own, "improved": False, "scores": [[], []]}
    assert not (tuned.path / "report").exists()
    code, _, err = argmaxq("compare", "tuned")
    assert (code, err.count("\n")) == (2, 1)
    assert "tuned is a tuning in which no trial beat the recipe's own values: it has no report" in err


@pytest.mark.usefixtures("here")
def test_values_that_are_drawn_again_are_trained_once(tmp_path: Path, argmaxq: Command) -> None:
    few: dict[str, Any] = {"trials": 20, "seeds": 1, "reported": 2, "steps": 200}
    tuned = tune.tune("cliff/q", {"agent.gamma": "0.5,0.9"}, **few, out=tmp_path / "tuned")
    assert sorted(trial.values["agent.gamma"] for trial in tuned.trials) == ["0.5", "0.9"]
    assert json.loads((tuned.path / "best.json").read_text())["improved"]
    code, said, _ = argmaxq("compare", "tuned")
    assert (code, "gamma 1.0" in said) == (0, True)  # the report's settings
    for verb in ("evaluate", "plot", "watch"):
        assert (
            "tuned is a tuning: name a run of its report, such as tuned/report/settings/000"
            in argmaxq(verb, "tuned")[2]
        )
    assert "  on 2 fresh seeds (mean): " in tuned.told()
    assert "is a tuning, which goes on as it was planned" in argmaxq("resume", "tuned", "--steps", "100")[2]
    assert "tuned is no study: --ray" in argmaxq("resume", "tuned", "--slurm")[2]
    study = tuned.path / "rounds" / "000" / "study.json"
    study.write_text(study.read_text().replace('"agent.gamma": "0.5"', '"agent.gamma": "0.4"'))
    with pytest.raises(aq.UserError, match="is no trial of this tuning"):
        tune.resume(tuned.path)


def test_a_path_is_tuned_once(argmaxq: Command) -> None:
    code, _, err = argmaxq("tune", "cliff/q", "--over", "agent.step_size=0.1,0.2", "--over", "agent.step-size=0.1..0.2")
    assert (code, err) == (
        2,
        "argmaxq: --over agent.step-size is there twice: write one range, or all of its choices with commas between\n",
    )


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
