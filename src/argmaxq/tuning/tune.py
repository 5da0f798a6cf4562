"""The verb ``tune``: rounds of trials, each a study, and a report on fresh seeds."""

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
from argmaxq.reporting.text import counted
from argmaxq.runs.files.writing import own_folder
from argmaxq.runs.folder import make_folder, write_json
from argmaxq.runs.lock import locked
from argmaxq.runs.records import read as records
from argmaxq.runs.track import DIVERGED, PRUNED
from argmaxq.studies.executors import chosen
from argmaxq.studies.folder import STUDY, Layout, opened
from argmaxq.studies.going import go
from argmaxq.studies.making import layout_of, planning, tellable
from argmaxq.studies.plan import WIDTH, Member, Setting
from argmaxq.tuning import folder, ranges
from argmaxq.tuning.asking import Trial, Values, asked
from argmaxq.tuning.folder import BEST, FINAL, REPORT, ROUNDS, TUNING
from argmaxq.tuning.ranges import Range

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
BOUND = 500
"""Seeds of a trial, or of the report, at most."""


class Tuned(NamedTuple):
    """What tuning came to.

    Attributes:
        path: Its folder: ``rounds`` of trials, the ``final`` of the best ones and the ``report`` are studies.
        values: The best values by path.
        trials: All trials, in order; values that are drawn again are trained once.
        scores: Of the recipe as it was and of the best values, a score for each fresh seed [2, seeds]; no seeds where
            the best values are the recipe's own.
    """

    path: Path
    values: Values
    trials: list[Trial]
    scores: np.ndarray

    def told(self) -> str:
        """The best values, and what they come to on fresh seeds beside the recipe as it was, a line each."""
        values = [f"  --{path.replace('_', '-')} {value}" for path, value in self.values.items()]
        whole_ones = sum(trial.whole for trial in self.trials)
        many = f"{counted(len(self.trials), 'trial')}, {whole_ones} of them trained to the end"
        if not self.scores.size:
            return "\n".join([f"  no trial beat the recipe's own values ({many}):", *values])
        return "\n".join([f"  best of {many}:", *values, *_compared(*self.scores)])


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
    base = tellable(validate(choose(recipe, given).recipe))
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
    write_json(path / TUNING, folder.signed(data))
    return resume(path, quiet=quiet)


def resume(path: str | Path, quiet: bool = True, trust: bool = False) -> Tuned:
    """Go on with a tuning where it was broken off; raises what ``tune`` raises.

    Where it was not made on this machine by this user, importing the modules that it names asks for ``trust``.
    """
    path = Path(path)
    with locked(path), noting():
        return _Tuning(path, quiet, trust).go()


def _words(over: Mapping[str, Sequence[str] | str]) -> list[list[str]]:
    listed = {path: [own] if isinstance(own, str) else list(own) for path, own in over.items()}
    return [[f"{path}={first}", *rest] for path, (first, *rest) in listed.items()]


class _Tuning:
    """A tuning's folder, and what is done in it."""

    def __init__(self, path: Path, quiet: bool, trust: bool) -> None:
        self._path, self._data, self._quiet, self._trusted = path, folder.read(path), quiet, trust
        self._base: Recipe = from_json(self._data["recipe"], importable=folder.imports(path, trust))
        over = self._data["over"].items()
        self._over = {where: Range(**{**own, "choices": tuple(own["choices"])}) for where, own in over}

    def go(self) -> Tuned:
        """All rounds that are missing, then the report."""
        past: list[Trial] = []
        many = max(WIDTH // self._data["seeds"], 1)
        for done, first in enumerate(range(0, self._data["trials"], many)):
            count = min(many, self._data["trials"] - first)
            self._say(f"round {done + 1} of {-(-self._data['trials'] // many)}")
            past += self._round(done, count, past)
        best = self._final(sorted(past, key=lambda trial: (not trial.whole, -trial.score))[:FINALISTS])
        improved = self._setting(best.values).recipe != self._base
        tuned = Tuned(self._path, best.values, past, self._report(best.values) if improved else np.zeros((2, 0)))
        found = {"values": best.values, "improved": improved, "scores": tuned.scores.tolist()}
        write_json(self._path / BEST, found)
        self._say(tuned.told())
        return tuned

    def _round(self, number: int, count: int, past: list[Trial]) -> list[Trial]:
        place = own_folder(self._path / ROUNDS) / f"{number:03d}"
        fresh = [] if (place / STUDY).is_file() else self._fresh(number, count, past)
        if not fresh and not (place / STUDY).is_file():
            return []
        seeds = range(FIRST_TUNED, FIRST_TUNED + self._data["seeds"])
        layout = self._trained(place, lambda: [self._tried(values) for values in fresh], seeds, RUNGS)
        return [self._trial(layout, setting) for setting in range(len(layout.data["settings"]))]

    def _fresh(self, number: int, count: int, past: list[Trial]) -> list[Values]:
        """What a round tries; in the first one the recipe's own values, too."""
        own = {where: ranges.own_value(self._base, where, each) for where, each in self._over.items()}
        fresh = asked(self._over, past, number, count, None if None in own.values() else own)
        if lacking := count - len(fresh):
            self._say(f"{counted(lacking, 'trial')} fewer, since no other values were found")
        return fresh

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
            go(layout, self._quiet, chosen(), self._trusted, self._path)
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
        try:
            values = {where: _value(own, told[where]) for where, own in self._over.items()}
        except (KeyError, ValueError):
            raise UserError(f"{layout.path}: its setting {setting} is no trial of this tuning") from None
        ends = [layout.run(Member(setting, seed)).summary["seeds"][0]["stopped"] for seed in layout.seeds]
        return Trial(values, float(np.mean(_scores(layout, setting))), not {*ends} & {PRUNED, DIVERGED})

    def _report(self, values: Values) -> np.ndarray:
        self._say("the best values beside the recipe, on fresh seeds")
        seeds = range(FIRST_REPORTED, FIRST_REPORTED + self._data["reported"])
        as_it_was = {where: self._own_told(where, own) for where, own in self._over.items()}
        both = [
            Setting(self._data["name"], as_it_was, self._base),
            self._setting(values),
        ]
        layout = self._trained(self._path / REPORT, lambda: both, seeds, ())
        return np.array([_scores(layout, 0), _scores(layout, 1)])

    def _own_told(self, where: str, own: Range) -> str:
        """The recipe's own value, as a trial with it is told."""
        value = ranges.own_value(self._base, where, own)
        return str(get(self._base, where) if value is None else value)

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


def _value(own: Range, told: str) -> Any:
    """A trial's value as it is told; raises ValueError for a choice that there is not, or what is no number."""
    if own.choices:
        return own.choices[own.choices.index(told)]
    return int(told) if own.whole else float(told)


def _compared(before: np.ndarray, after: np.ndarray) -> list[str]:
    """Interquartile means, which are means of few seeds, and the interval of the difference, a line each."""
    from argmaxq import statistics  # here, since it needs SciPy's, and starting up is to stay quick
    from argmaxq.reporting.verdicts import FEW

    named = "interquartile mean" if len(after) >= FEW else "mean"
    middles = [statistics.interquartile_mean(each).point for each in (before, after)]
    lines = [f"  on {len(after)} fresh seeds ({named}): {middles[1]:.1f}, as it was {middles[0]:.1f}"]
    if np.ptp(before) or np.ptp(after):
        found = statistics.improvement(before, after, of="mean")
        ends = f"{found.point:.1f} [{found.low:.1f}, {found.high:.1f}]"
        lines.append(f"  difference of the means {ends} ({100 * found.level:g} %, {found.method})")
    return lines
