"""The verb ``tune``: rounds of trials, each a study, and a report on fresh seeds."""

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.paths import get
from argmaxq.components.serialisation import from_json, to_json
from argmaxq.interrupts import noting
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import each, entries, fields, number, table, text, truth, whole
from argmaxq.runs.files.writing import own_folder
from argmaxq.runs.folder import make_folder, write_json
from argmaxq.runs.formats import COUNT, checked
from argmaxq.runs.lock import locked
from argmaxq.runs.records import read as records
from argmaxq.runs.track import DIVERGED, PRUNED
from argmaxq.studies.executors import chosen
from argmaxq.studies.folder import STUDY, Layout, opened
from argmaxq.studies.going import go
from argmaxq.studies.making import layout_of, planning
from argmaxq.studies.plan import WIDTH, Member, Setting
from argmaxq.tuning import ranges
from argmaxq.tuning.asking import Trial, Values, asked
from argmaxq.tuning.ranges import Range

TUNING, ROUNDS, FINAL, REPORT, BEST = "tuning.json", "rounds", "final", "report", "best.json"
FIRST_TUNED, FIRST_REPORTED = 1000, 0
"""Seeds that trials are trained with, and those of the report: none is of both."""
RUNGS = (0.5,)
"""Shares of the steps at which the worse half of a round's trials ends: earlier, the quick would beat the good."""
LAST = 0.25
"""Share of a run's steps whose evaluations are its score."""
OFTEN = 20
"""Evaluations of a trial at least: a single one of a policy that comes and goes says little."""
FINALISTS, FINAL_SEEDS = 8, 8
"""Of the best trials so many are trained again, with so many other seeds: the best score of many is half luck."""
RANGE = fields({"low": number, "high": number, "log": truth, "whole": truth, "choices": each(text)})
FORMAT = fields(
    {
        "name": text,
        "recipe": table,
        "over": entries(RANGE),
        "trials": whole(1),
        "seeds": whole(1),
        "reported": COUNT,
        "engine": text,
    }
)
BOUND = 500
"""Seeds of a trial, or of the report, at most."""


class Tuned(NamedTuple):
    """What tuning came to.

    Attributes:
        path: Its folder: ``rounds`` of trials, the ``final`` of the best ones and the ``report`` are studies.
        values: The best values by path.
        trials: All trials, in order.
        scores: Of the recipe as it was and of the best values, a score for each fresh seed [2, seeds].
    """

    path: Path
    values: Values
    trials: list[Trial]
    scores: np.ndarray

    def told(self) -> str:
        """The best values, and what they come to on fresh seeds beside the recipe as it was, a line each."""
        values = [f"  --{path.replace('_', '-')} {value}" for path, value in self.values.items()]
        whole_ones = sum(trial.whole for trial in self.trials)
        first = f"  best of {len(self.trials)} trials, {whole_ones} of them trained to the end:"
        return "\n".join([first, *values, *_compared(*self.scores)])


def tune(
    recipe: str | Recipe,
    over: Mapping[str, Sequence[str] | str],
    *,
    trials: int = 64,
    seeds: int = 2,
    reported: int = 10,
    values: Mapping[str, Any] | None = None,
    steps: int | None = None,
    engine: Any = "auto",
    out: str | Path | None = None,
    quiet: bool = True,
) -> Tuned:
    """Look for better values of a recipe, and compare the best ones with the recipe on fresh seeds.

    Trials are trained many at once, in one program where only traced numbers differ, and the worse half of them ends
    at half of the steps. The best are trained again with other seeds, which choose among them.
    A killed tuning goes on with ``resume``.

    Args:
        recipe: As ``train`` has it.
        over: By path where to look: ``"1e-4..1e-2"``, ``("1e-4..1e-2", "log")``, or ``"max,double"``.
        trials: How many values are tried.
        seeds: Seeds of each trial, from 1000 on.
        reported: Seeds of the comparison, from 0 on.
        values: Other values of the recipe, by path.
        steps: Env steps of each run; the recipe's own number by default.
        engine: As ``train`` has it.
        out: The folder, which must not exist; by default a new one below ``runs``.
        quiet: Show no progress.

    Raises:
        UserError: one line, for anything a user can mend.
        KeyboardInterrupt: Ctrl-C, after what was done is saved.
        Terminated: SIGTERM, likewise.
    """
    name = recipe if isinstance(recipe, str) else "own"
    given: Given = [*({} if steps is None else {"steps": steps}).items(), *(values or {}).items()]
    base = validate(choose(recipe, given).recipe)
    if not over:
        raise UserError("what is to be tuned? --over PATH=low..high says it, such as agent.gamma=0.9..0.999")
    if not (trials >= 1 and 1 <= seeds <= BOUND and 2 <= reported <= BOUND):
        raise UserError(f"trials = {trials}, seeds = {seeds}, reported = {reported}: at least 1, 1 and 2")
    if not base.evaluation.every:
        raise UserError("evaluation.every = 0: trials are compared by their evaluations")
    read = dict(ranges.read(words, base) for words in _words(over))
    asked(read, [], 0, 1, None)  # whether Optuna is there is known before anything is made
    path = make_folder(out, f"tune-{name}")
    data = {
        "name": name,
        "recipe": to_json(base),
        "over": {where: own.written() for where, own in read.items()},
        "trials": trials,
        "seeds": seeds,
        "reported": reported,
        "engine": engine,
    }
    write_json(path / TUNING, data)
    return resume(path, quiet=quiet)


def resume(path: str | Path, quiet: bool = True) -> Tuned:
    """Go on with a tuning where it was broken off; raises what ``tune`` raises."""
    path = Path(path)
    data = checked(FORMAT, read_json(path / TUNING), path / TUNING)
    with locked(path), noting():
        return _Tuning(path, data, quiet).go()


def is_tuning(path: str | Path) -> bool:
    """Whether a folder is a tuning's."""
    return os.path.isfile(Path(path) / TUNING)


def _words(over: Mapping[str, Sequence[str] | str]) -> list[list[str]]:
    listed = {path: [own] if isinstance(own, str) else list(own) for path, own in over.items()}
    return [[f"{path}={first}", *rest] for path, (first, *rest) in listed.items()]


class _Tuning:
    """A tuning's folder, and what is done in it."""

    def __init__(self, path: Path, data: Mapping[str, Any], quiet: bool) -> None:
        self._path, self._data, self._quiet = path, data, quiet
        self._base: Recipe = from_json(data["recipe"])
        self._over = {where: Range(**{**own, "choices": tuple(own["choices"])}) for where, own in data["over"].items()}

    def go(self) -> Tuned:
        """All rounds that are missing, then the report."""
        past: list[Trial] = []
        many = max(WIDTH // self._data["seeds"], 1)
        for done, first in enumerate(range(0, self._data["trials"], many)):
            count = min(many, self._data["trials"] - first)
            self._say(f"round {done + 1} of {-(-self._data['trials'] // many)}")
            past += self._round(done, count, past)
        best = self._final(sorted(past, key=lambda trial: (not trial.whole, -trial.score))[:FINALISTS])
        self._say("the best values beside the recipe, on fresh seeds")
        tuned = Tuned(self._path, best.values, past, self._report(best.values))
        write_json(self._path / BEST, {"values": best.values, "scores": tuned.scores.tolist()})
        self._say(tuned.told())
        return tuned

    def _round(self, number: int, count: int, past: list[Trial]) -> list[Trial]:
        own = {where: get(self._base, where) for where in self._over}
        now = {where: value for where, value in own.items() if _within(self._over[where], value)}
        place = own_folder(self._path / ROUNDS) / f"{number:03d}"
        seeds = range(FIRST_TUNED, FIRST_TUNED + self._data["seeds"])

        def planned() -> list[Setting]:
            found = asked(self._over, past, number, count, now if len(now) == len(own) else None)
            return [self._tried(values) for values in found]

        layout = self._trained(place, planned, seeds, RUNGS)
        return [self._trial(layout, setting) for setting in range(count)]

    def _final(self, finalists: list[Trial]) -> Trial:
        """The best of these over their own seeds and others."""
        if len(finalists) == 1:
            return finalists[0]
        first = FIRST_TUNED + self._data["seeds"]
        self._say(f"the best {len(finalists)} again, with {FINAL_SEEDS} other seeds")
        settings = [self._tried(trial.values) for trial in finalists]
        layout = self._trained(self._path / FINAL, lambda: settings, range(first, first + FINAL_SEEDS), ())
        again = [self._trial(layout, place) for place in range(len(finalists))]
        return best_over_all(finalists, again, self._data["seeds"])

    def _trained(self, place: Path, planned: Any, seeds: Sequence[int], rungs: Sequence[float]) -> Layout:
        """A study within the folder, made unless it is there, and trained to its end."""
        if not (place / STUDY).is_file():
            shutil.rmtree(place, ignore_errors=True)  # what a kill has left of making it
            with planning(None):
                layout = layout_of(planned(), list(self._over), seeds, self._data["engine"], place, None, rungs)
        layout = opened(place)
        if not all(layout.done(group) for group in range(len(layout.groups))):
            go(layout, self._quiet, chosen(), whole=self._path)
        return layout

    def _tried(self, values: Values) -> Setting:
        """A trial's setting: evaluated often, and never stopped, so that all have the same steps to show themselves."""
        every = min(self._base.evaluation.every, max(self._base.steps // OFTEN, 1))
        return self._setting(values, {"evaluation.every": every, "stop": "never"})

    def _setting(self, values: Values, besides: Mapping[str, Any] | None = None) -> Setting:
        recipe = validate(choose(self._base, [*values.items(), *(besides or {}).items()]).recipe)
        return Setting(self._data["name"], {path: str(value) for path, value in values.items()}, recipe)

    def _trial(self, layout: Layout, setting: int) -> Trial:
        told = layout.data["settings"][setting]["values"]
        values = {where: _value(own, told[where]) for where, own in self._over.items()}
        ends = [layout.run(Member(setting, seed)).summary["seeds"][0]["stopped"] for seed in layout.seeds]
        return Trial(values, float(np.mean(_scores(layout, setting))), not {*ends} & {PRUNED, DIVERGED})

    def _report(self, values: Values) -> np.ndarray:
        seeds = range(FIRST_REPORTED, FIRST_REPORTED + self._data["reported"])
        as_it_was = {where: get(self._base, where) for where in self._over}
        both = [
            Setting(self._data["name"], {path: str(value) for path, value in as_it_was.items()}, self._base),
            self._setting(values),
        ]
        layout = self._trained(self._path / REPORT, lambda: both, seeds, ())
        return np.array([_scores(layout, 0), _scores(layout, 1)])

    def _say(self, line: str) -> None:
        if not self._quiet:
            print(line, flush=True)


def best_over_all(finalists: Sequence[Trial], again: Sequence[Trial], seeds: int) -> Trial:
    """The one of the best mean over its own ``seeds`` and the ``FINAL_SEEDS`` with which it was trained ``again``."""
    sums = [seeds * one.score + FINAL_SEEDS * other.score for one, other in zip(finalists, again, strict=True)]
    return finalists[int(np.argmax(sums))]


def _scores(layout: Layout, setting: int) -> list[float]:
    """Of each seed the mean return of the evaluations in the last part of its run; the least there is without any."""
    found = []
    for seed in layout.seeds:
        rows = records(layout.member(Member(setting, seed)), "evaluations", "step", "mean")
        means = [row["mean"] for row in rows if row["mean"] is not None and row["step"] > (1 - LAST) * rows[-1]["step"]]
        found.append(float(np.mean(means)) if means else -1e9)
    return found


def _within(own: Range, value: Any) -> bool:
    if own.choices:
        return str(value) in own.choices
    return isinstance(value, int | float) and own.low <= value <= own.high


def _value(own: Range, told: str) -> Any:
    return told if own.choices else int(told) if own.whole else float(told)


def _compared(before: np.ndarray, after: np.ndarray) -> list[str]:
    """Interquartile means and the interval of the difference, a line each."""
    from argmaxq import statistics  # here, since it needs SciPy's, and starting up is to stay quick

    middles = [statistics.interquartile_mean(each).point for each in (before, after)]
    lines = [f"  on {len(after)} fresh seeds (interquartile mean): {middles[1]:.1f}, as it was {middles[0]:.1f}"]
    if np.ptp(before) or np.ptp(after):
        found = statistics.improvement(before, after, of="mean")
        ends = f"{found.point:.1f} [{found.low:.1f}, {found.high:.1f}]"
        lines.append(f"  difference of the means {ends} ({100 * found.level:g} %, {found.method})")
    return lines
