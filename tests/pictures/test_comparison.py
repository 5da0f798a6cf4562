"""Curves that lead with what says more, and those of several runs in one picture."""

from pathlib import Path

import pytest
from matplotlib.image import imread
from test_reporting import coloured, make_run

import argmaxq as aq
from argmaxq.reporting.comparison import COLOURS, draw_comparison
from argmaxq.reporting.curve import draw_curve
from argmaxq.reporting.pictures import EVALUATION, LINE, head, new_figure
from argmaxq.reporting.scores import evaluations_lead
from argmaxq.reporting.text import outcome
from argmaxq.runs.records import Records
from argmaxq.visualisation.plot import plot
from support.commands import Command
from support.drawings import texts
from support.scored import scored


def evaluated(folder: Path, mean: float) -> Path:
    """A run whose last training episodes had a mean return of 15, with a later evaluation."""
    records = Records(make_run(folder))
    records.append("evaluations", [{"step": 2_000, "mean": mean, "std": 1.0, "min": mean - 2, "max": mean + 1}])
    records.flush()
    return folder


def test_evaluations_lead_where_most_seeds_have_some_and_these_are_better() -> None:
    assert evaluations_lead([1.0, 2.0, 3.0], [2.5, 2.5])
    assert not evaluations_lead([1.0, 2.0, 3.0], [9.0])
    assert not evaluations_lead([1.0, 2.0, 3.0], [1.5, 1.5, 9.0])
    assert not evaluations_lead([], [])


def test_runs_on_different_environments_are_not_drawn_together(tmp_path: Path) -> None:
    for name, env in (("a", "CartPole-v1"), ("b", "Acrobot-v1")):
        scored(tmp_path / name, 0.0, env)
    with pytest.raises(aq.UserError, match=r"a is on CartPole-v1 and .*b on Acrobot-v1: their returns cannot"):
        plot([aq.Run(tmp_path / name) for name in "ab"], "curve", tmp_path / "both.png")


def test_a_legend_of_many_words_stays_within_the_picture() -> None:
    figure = new_figure()
    axes = figure.add_subplot()
    for label in (
        "one seed, mean of 100 episodes",
        "median and quartiles",
        "evaluations: median and quartiles",
        "best of one",
    ):
        axes.plot([0, 1], [0, 1], label=label)
    head(axes, "a title")
    figure.draw_without_rendering()
    box = axes.get_legend().get_window_extent()
    assert box.x1 <= figure.bbox.x1
    assert not box.overlaps(axes.title.get_window_extent())
    assert not box.overlaps(axes._left_title.get_window_extent())


def test_the_line_of_a_curve_is_what_says_more(tmp_path: Path) -> None:
    for name, mean in (("training", 2.0), ("evaluations", 40.0)):
        draw_curve(evaluated(tmp_path / name, mean), tmp_path / f"{name}.png")
    training, evaluations = (tmp_path / f"{name}.png" for name in ("training", "evaluations"))
    assert coloured(evaluations, EVALUATION) > 1.5 * coloured(training, EVALUATION)
    assert coloured(evaluations, LINE) < 0.6 * coloured(training, LINE)


def test_the_median_of_many_seeds_evaluations_leads_likewise(tmp_path: Path) -> None:
    for name, mean in (("training", 2.0), ("evaluations", 40.0)):
        runs = [evaluated(tmp_path / name / f"seed-{number}", mean + number) for number in range(3)]
        draw_curve(runs, tmp_path / f"{name}.svg")
    assert "greedy evaluations: median and quartiles" in texts(tmp_path / "evaluations.svg")
    assert "one seed, mean of 100 episodes" in texts(tmp_path / "training.svg")


@pytest.mark.parametrize("last", [499.0, 400.0])
def test_a_summary_says_evaluations_and_then_returns_in_training(last: float, tmp_path: Path) -> None:
    seed = {"seed": 0, "step": 9_000, "episodes": 400, "mean_return": 444.9, "stopped": "at the last step"}
    seed |= {"best": {"mean": 500.0, "step": 5_000}, "final_evaluation": last, "solved_at": None}
    recipe = {"env": {"id": "CartPole-v1"}, "stop": {"type": "stop/never"}, "steps": 9_000}
    summary = {"finished": True, "seeds": [seed]}
    lines = outcome({"seeds": [0], "recipe": recipe}, summary, tmp_path, watchable=True).splitlines()
    assert lines[0].startswith("  best evaluation")
    assert "  last 100 episodes  444.9, in training" in lines[1:]


def test_runs_are_compared_in_colours_with_their_seeds_as_bands(tmp_path: Path) -> None:
    one = evaluated(tmp_path / "one", 40.0)
    many = tmp_path / "many"
    for number in range(3):
        evaluated(many / f"seed-{number}", 30.0 + 10 * number)
    (many / "config.json").write_bytes((one / "config.json").read_bytes())
    out = draw_comparison([one, many], tmp_path / "a.svg")
    written = texts(out)
    assert f"{one}: cartpole/dqn on CartPole-v1, 1 seed" in written
    assert f"{many}: cartpole/dqn on CartPole-v1, 3 seeds, median and quartiles" in written
    assert "mean return of greedy evaluations" in written
    picture = draw_comparison([one, many], tmp_path / "a.png")
    assert all(coloured(picture, colour) > 200 for colour in COLOURS[:2])
    assert coloured(picture, COLOURS[2]) == 0


def test_all_lines_of_a_comparison_are_of_one_kind(tmp_path: Path) -> None:
    runs = [evaluated(tmp_path / "one", 40.0), make_run(tmp_path / "two", evaluations=False)]
    assert "return in training, mean of 100 episodes" in texts(draw_comparison(runs, tmp_path / "a.svg"))


def test_the_command_compares_the_runs_that_it_is_given(argmaxq: Command, tmp_path: Path) -> None:
    for name in ("one", "two"):
        evaluated(tmp_path / "runs" / name, 40.0)
    assert argmaxq("plot", "runs/one", "runs/two") == (0, "runs/one-vs-two.png\n", "")
    assert imread("runs/one-vs-two.png").std() > 0.05
    assert argmaxq("plot", "runs/two", "runs/one", "--out", "a/b.svg") == (0, "a/b.svg\n", "")
    assert argmaxq("plot", "runs/one", "runs/one")[2] == "argmaxq: runs/one is named twice\n"
    code, _, err = argmaxq("plot", "runs/one", "runs/two", "--what", "phase")
    assert (code, err) == (2, "argmaxq: --what phase: it is drawn of one run; of several, their curves are compared\n")
    code, _, err = argmaxq("plot", "runs/one", "nothing")
    assert (code, err) == (2, "argmaxq: nothing is no run folder: it does not exist\n")
