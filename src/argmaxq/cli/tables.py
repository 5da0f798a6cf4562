"""The tables that the command line prints."""

import dataclasses
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from argmaxq.components.component import walk
from argmaxq.components.errors import UserError
from argmaxq.components.paths import documentation
from argmaxq.components.registry import is_component, registry, role_of, type_name
from argmaxq.domains.catalogue import DOMAINS, kind
from argmaxq.environments.tabular import TABULAR
from argmaxq.recipes import recipes
from argmaxq.recipes.recipe import Recipe
from argmaxq.recipes.starts.generic import STARTS
from argmaxq.reporting.text import environment, number
from argmaxq.runs.track import statistics
from argmaxq.training.evaluation import LONGEST
from argmaxq.verbs.evaluated import Evaluated
from argmaxq.verbs.run import Run

if TYPE_CHECKING:  # the checker itself is only needed for checking
    from argmaxq.environments.check import Finding

WIDEST = 110
COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}
NUMBERS = ("mean", "std", "min", "max")


def width() -> int:
    """Columns to write in."""
    return min(shutil.get_terminal_size().columns, WIDEST)


def show_help(verbs: Mapping[str, str]) -> None:
    """What can be done at all."""
    print("argmaxq: value-based reinforcement learning\n")
    _show([(f"argmaxq {name}", summary) for name, summary in verbs.items()])
    print("\nargmaxq VERB --help shows a verb's options, argmaxq train RECIPE --help a recipe's as well.")


def show_everything(words: Sequence[str] = ()) -> None:
    """Recipes, environments and components, a line each: those whose lines hold all of these words.

    Raises:
        UserError: there is none.
    """
    shown = {title: found for title, rows in _everything().items() if (found := _holding(rows, words))}
    if not shown:
        raise UserError(f"nothing that is listed holds {' and '.join(map(repr, words))}: argmaxq list shows all")
    for place, (title, rows) in enumerate(shown.items()):
        print(f"\n{title}" if place else title)
        firsts = {row[0]: row for row in reversed(rows)}
        _show([row if len(row) < 3 or firsts[row[0]] is row else ("", *row[1:]) for row in rows])


def _everything() -> dict[str, list[tuple[str, ...]]]:
    """Rows of (name, meaning), and of components (role, name, meaning), by their titles."""
    compiled = [(name, _summary(kind(name))) for name in DOMAINS]
    tabular = [(name, "Gymnasium's transition tables.") for name in TABULAR if name in gymnasium.registry]
    components = [(role, name, _summary(cls)) for role, members in _roles().items() for name, cls in members.items()]
    return {
        "starts, which suit themselves to an environment: argmaxq train START --env ID": [
            (name, (kind.make.__doc__ or "").rstrip(".")) for name, kind in STARTS.items()
        ],
        "recipes: argmaxq train RECIPE": [(name, _recipe(recipe)) for name, recipe in recipes().items()],
        "environments with a compiled form (any other of Gymnasium's ids trains on the host): --env ID": [
            *compiled,
            *tabular,
        ],
        "components (argmaxq train RECIPE --help says where they go; one of your own is module:Class)": list(
            components
        ),
    }


def _holding(rows: Sequence[tuple[str, ...]], words: Sequence[str]) -> list[tuple[str, ...]]:
    """The rows in which all of these words stand, in small or capital letters."""
    return [row for row in rows if all(word.lower() in " ".join(row).lower() for word in words)]


def show_findings(findings: "Sequence[Finding]") -> None:
    """What is right and wrong with an environment."""
    from rich.console import Console  # here, so that starting up stays quick
    from rich.text import Text

    lines = "\n".join(columns([(finding.status, finding.what, finding.why) for finding in findings], width()))
    text = Text(lines)
    for status, style in COLOURS.items():
        text.highlight_regex(rf"(?m)^  {status}\b", style)
    Console(soft_wrap=True).print(text)


def columns(rows: Sequence[tuple[str, ...]], width: int = 0) -> list[str]:
    """Lines with the cells of each row below one another; the last wrapped to ``width`` columns, if any."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)][:-1]
    lines = []
    for *cells, last in rows:
        start = "  " + "".join(f"{cell:<{size + 2}}" for cell, size in zip(cells, widths, strict=True))
        room = max(width - len(start), 20) if width else sys.maxsize
        first, *others = wrap(last, room, break_on_hyphens=False) or [""]
        lines += [start + first, *(" " * len(start) + other for other in others)]
    return lines


@dataclasses.dataclass(frozen=True)
class Evaluations:
    """Evaluations of a run's seeds, made when they are asked for; on ``env``, or on the run's own environment."""

    run: Run
    which: str
    episodes: int
    seed: int
    env: str | None = None

    @property
    def title(self) -> str:
        """What is evaluated."""
        env = self.env or environment(self.run.config)
        return f"{env}, {self.episodes} greedy episodes of the {self.which} checkpoint"

    def to_json(self) -> dict[str, Any]:
        """One run's returns, or each seed's under ``seeds`` and the statistics of their means."""
        found = {run.seeds[0]: run.evaluate(self.episodes, self.seed, self.which, self.env) for run in self.run.parts}
        if len(found) == 1:
            return next(iter(found.values())).to_json()
        seeds = [{"seed": seed, **each.to_json()} for seed, each in found.items()]
        return {"episodes": self.episodes, **_over(list(found.values())), "seeds": seeds}

    def lines(self) -> Iterator[str]:
        """A table, line by line as its numbers come."""
        found: list[Evaluated] = []
        for run in self.run.parts:
            found.append(run.evaluate(self.episodes, self.seed, self.which, self.env))
            if len(found) == 1:
                yield self.title
                yield _line("seed", "step", *NUMBERS, "random", *["success"] * (found[0].success is not None))
            yield _line(run.seeds[0], f"{run.step(self.which):,}", *_numbers(found[-1].to_json()))
        if len(found) > 1:
            yield _line("over seeds", "", *_numbers(_over(found)))
        if cut := sum(each.cut for each in found):
            many = len(found) * self.episodes
            yield f"{cut} of {many} episodes had not ended after {LONGEST:,} steps and were cut there"


@dataclasses.dataclass(frozen=True)
class Judgements:
    """Comparisons of a run's seeds with the exact solution of their environment."""

    run: Run
    which: str

    def to_json(self) -> dict[str, Any]:
        """One run's comparison, or each seed's under ``seeds``."""
        found = [{"seed": run.seeds[0], **run.judge(self.which)._asdict()} for run in self.run.parts]
        return {"seeds": found} if len(found) > 1 else found[0]

    def lines(self) -> Iterator[str]:
        """A table, line by line."""
        for place, run in enumerate(self.run.parts):
            found = run.judge(self.which)
            if place == 0:
                gamma = getattr(run.recipe.agent, "gamma", 1.0)
                yield f"{environment(run.config)} solved exactly, gamma {gamma:g}, {found.states} states on the way"
                yield _line("seed", "optimal", "greedy", "regret", "agreement", "max error")
            values = (f"{value:.5g}" for value in (found.optimal, found.value, round(found.regret, 9) + 0.0))
            yield _line(run.seeds[0], *values, f"{100 * found.agreement:.1f} %", f"{found.max_error:.3g}")


def _over(found: Sequence[Evaluated]) -> dict[str, float]:
    """Statistics of the seeds' means, and the random policy's mean."""
    means = np.array([each.mean for each in found])
    over = {**statistics(means), "random": float(np.mean([each.random for each in found]))}
    shares = [each.success for each in found if each.success is not None]
    return over | ({"success": float(np.mean(shares))} if shares else {})


def _numbers(values: Mapping[str, Any]) -> list[str]:
    chosen = [float(values[name]) for name in (*NUMBERS, "random")]
    share = [f"{100 * values['success']:.1f} %"] if "success" in values else []
    return [number(value, chosen) for value in chosen] + share


def _line(first: object, *others: str) -> str:
    return f"{first:>10}" + "".join(f"{other:>11}" for other in others)


def _recipe(recipe: Recipe) -> str:
    lanes = f"{recipe.env.lanes} lanes of " if recipe.env.lanes > 1 else ""
    return f"{type_name(type(recipe.agent))} on {lanes}{recipe.env.name}, {recipe.steps:,} steps"


def _roles() -> dict[str, dict[str, type]]:
    """Roles in which one can choose, in the order in which a recipe has them."""
    order = [role_of(type(value)) for _, _, value in walk(Recipe()) if is_component(value)]
    return {role: registry[role] for role in dict.fromkeys([*order, *registry]) if len(registry[role]) > 1}


def _summary(cls: type) -> str:
    return documentation(cls).summary.replace("``", "")


def _show(rows: Sequence[tuple[str, ...]]) -> None:
    """Rows in columns, a line each: on a terminal, cut where it ends."""
    most = width() if sys.stdout.isatty() else sys.maxsize
    for line in columns(rows):
        print(line if len(line) <= most else f"{line[: most - 3].rstrip()}...")
