"""A run's figures that are seen first, and where they lie between the random policy and the best possible."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

import numpy as np
from markupsafe import Markup

from argmaxq.components.errors import UserError
from argmaxq.page import settings
from argmaxq.page.axes import scale
from argmaxq.page.known import best, published
from argmaxq.page.svg import element
from argmaxq.reporting.finals import final_scores
from argmaxq.reporting.text import environment, last_episodes, number
from argmaxq.reporting.verdicts import interval
from argmaxq.statistics import Estimate, interquartile_mean
from argmaxq.training.evaluation import Evaluator, uniform
from argmaxq.verbs.run import Run

EPISODES = 20
"""Of the random policy."""
SIDE, ROW = 12.0, 19.0
WIDTHS = {"wide": 900.0, "narrow": 332.0}


class Card(NamedTuple):
    """A figure: what it is, the figure, and what stands below it."""

    label: str
    value: str
    below: str = ""


class Mark(NamedTuple):
    """A return on the ruler; ``kind`` is its class in the style sheet."""

    label: str
    value: float
    kind: str


def cards(run: Run) -> list[Card]:
    """What became of a run, from its records; raises UserError where they are damaged."""
    summary = run.summary
    seeds = summary.get("seeds", [])
    found = [_score(run), _best([seed["best"] for seed in seeds if seed["best"]])]
    if run.config["recipe"]["stop"]["type"] != "stop/never":
        found.append(
            _solved(sorted(seed["solved_at"] for seed in seeds if seed["solved_at"] is not None), len(run.seeds))
        )
    return [card for card in [*found, _time(summary)] if card is not None]


def _score(run: Run) -> Card:
    """The last greedy evaluation, or else the return in training."""
    try:
        scores, what = final_scores({"": run.path})[""]
    except UserError as fault:
        return Card("return", "none yet", str(fault))
    said = (
        "last greedy evaluation"
        if what == "final"
        else f"return in training, {last_episodes(run.summary.get('seeds', []))}"
    )
    return _final(f"{said}{', interquartile mean' * (len(scores) > 3)}", scores)


def _best(bests: Sequence[Mapping[str, Any]]) -> Card | None:
    if not bests:
        return None
    means = [float(best["mean"]) for best in bests]
    if len(means) == 1:
        return Card("best evaluation", number(means[0]), f"at step {bests[0]['step']:,}{_of(bests)}")
    low, high = (number(of(means), means) for of in (min, max))
    return Card(
        "best evaluation, mean of seeds", number(float(np.mean(means)), means),
        f"of {low} to {high}, one a seed{_of(bests)}",
    )  # fmt: skip


def _of(bests: Sequence[Mapping[str, Any]]) -> str:
    """Of how many evaluations the best one is the maximum, as far as that is known."""
    counts = sorted({best["of_selecting_evaluations"] for best in bests if "of_selecting_evaluations" in best})
    each = "; each " if len(bests) > 1 else "; "
    if not counts:
        return f"{each}the maximum of all"
    if counts[-1] == 1:
        return f"{each}of one evaluation" if len(bests) > 1 else "; the only evaluation"
    many = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    return f"{each}the maximum of {many}"


def _solved(steps: Sequence[int], seeds: int) -> Card:
    when = f"{'median ' * (len(steps) > 1)}step {np.median(steps):,.0f}" if steps else ""
    return Card("solved", f"{len(steps)} of {seeds}" if seeds > 1 else "yes" if steps else "no", when)


def _time(summary: Mapping[str, Any]) -> Card | None:
    seconds = summary.get("training_seconds")
    if not seconds:
        return None
    shown = f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
    return Card("training", shown, f"{summary['step']:,} steps, {summary['steps_per_second']:,.0f} a second")


def _final(label: str, scores: np.ndarray) -> Card:
    found = interquartile_mean(scores)
    if len(scores) == 1:
        return Card(label, number(found.point), "one seed: no interval, train with --seeds 10")
    shown = interval(found).partition(" ")
    return Card(
        label, shown[0], f"{shown[2]} 95 % interval, {len(scores)} seeds" if shown[2] else f"{len(scores)} seeds"
    )


def random_return(run: Run) -> float:
    """The random policy's mean return; raises UserError where the environment cannot be made."""
    with closing(Evaluator(run.recipe.env)) as evaluator:
        played = evaluator.play(uniform(evaluator.spaces, [1, 3]), EPISODES, [1, 2])
    return float(played.returns.mean())


def marks(run: Run, random: float | None) -> list[Mark]:
    """What the run is seen beside."""
    env, stop = run.recipe.env, run.config["recipe"]["stop"]
    listed = [] if random is None else [("random policy", random, "random", "")]
    if isinstance(threshold := stop.get("threshold"), int | float):
        listed.append(("counts as solved", float(threshold), "threshold", ""))
    for found, word, kind in ((published(env), "published", "published"), (best(env), "best possible", "best")):
        if found is not None:
            listed.append((word, found.value, kind, f" ({found.source})"))
    values = [value for _, value, *_ in listed]
    return [
        Mark(f"{word} {number(value, values if value == 0 else ())}{source}", value, kind)
        for word, value, kind, source in listed
    ]


def ruler(run: Run, random: float | None) -> Markup | None:
    """A line from the random policy to the best possible with the run and its interval on it; None without any mark."""
    beside = marks(run, random)
    try:
        found = interquartile_mean(final_scores({"": run.path})[""].scores)
    except UserError:
        return None
    return Markup("").join(draw(found, beside, width, name) for name, width in WIDTHS.items()) if beside else None


def draw(found: Estimate, beside: list[Mark], width: float, class_: str) -> Markup:
    """The ruler as SVG: a label in a row of its own for each mark, so that none hides another."""
    ends = [each for each in found[:3] if np.isfinite(each)] + [mark.value for mark in beside]
    x = scale(min(ends), max(ends), SIDE, width - SIDE)
    ordered = sorted(beside, key=lambda mark: mark.value)
    base, parts = 30.0, []
    parts.append(element("line", class_="track", x1=SIDE, x2=width - SIDE, y1=base, y2=base))
    if np.isfinite(found.low):
        parts.append(element("line", class_="span", x1=x(found.low), x2=x(found.high), y1=base, y2=base))
    for row, mark in enumerate(ordered):
        at, low = x(mark.value), base + 14 + ROW * (row + 1)
        parts.append(element("line", class_=f"stem {mark.kind}", x1=at, x2=at, y1=base - 6, y2=low - 5))
        left = at < width / 2
        parts.append(
            element("text", mark.label, class_="mark" if left else "mark end", x=at + (5 if left else -5), y=low)
        )  # fmt: skip
    at = x(found.point)
    parts.append(element("circle", class_="here", cx=at, cy=base, r=7.0))
    said = number(found.point, [mark.value for mark in beside] if found.point == 0 else ())
    anchor = "mark strong" if at < width * 0.7 else "mark strong end"
    parts.append(element("text", f"this run {said}", class_=anchor, x=at + (0 if at < width * 0.7 else 7), y=13))
    height = base + 22 + ROW * len(ordered)
    name = f"this run {said}; " + "; ".join(mark.label for mark in ordered)
    size = {"width": width, "height": height, "viewBox": f"0 0 {width:g} {height:g}"}
    return element("svg", element("title", name), *parts, role="img", class_=f"ruler {class_}", **size)


def chips(config: Mapping[str, Any]) -> list[str]:
    """What was trained, in a few words each."""
    seeds, device = config["seeds"], config["device"]
    many = f"seed {seeds[0]}" if len(seeds) == 1 else f"{len(seeds)} seeds"
    agent = settings.kind(config["recipe"].get("agent"))
    return [
        agent,
        environment(config),
        f"{config['recipe']['steps']:,} steps",
        many,
        f"{config['engine']} engine",
        str(device["platform"]),
    ]
