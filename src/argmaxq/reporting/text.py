"""What a run says of itself on a terminal."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.recipes.stop import RECENT
from argmaxq.reporting.following import following
from argmaxq.training.evaluation import LONGEST

Row = tuple[str, str]


def opening(config: Mapping[str, Any], path: Path) -> str:
    """What is trained, how, on what and where, in one line."""
    seeds, device = config["seeds"], config["device"]
    which = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}"
    kind = f" ({device['kind']})" if device["kind"] != device["platform"] else ""
    engine = f"{config['engine']} engine on {device['platform']}{kind}"
    return f"{config['name']} on {environment(config)}, {engine}, {which}, in {path}"


def environment(config: Mapping[str, Any]) -> str:
    """The environment's id, or how a callable of the user's own prints."""
    name = config["recipe"]["env"]["id"]
    return str(name["own"] if isinstance(name, dict) else name)


def outcome(config: Mapping[str, Any], summary: Mapping[str, Any], path: Path, watchable: bool = False) -> str:
    """How a run went and what to do next, a line each; ``watchable``: its environment draws itself."""
    seeds = summary.get("seeds", [])
    rows = [
        *_scores(seeds),
        *_ends(config, summary),
        ("time", _time(summary)),
        ("run", f"{path}{', curve in curve.png' if (path / 'curve.png').exists() else ''}"),
        *zip(("next", ""), following(config, summary, path, watchable), strict=False),
    ]
    return "\n".join(f"  {what:<19}{value}" for what, value in rows if value)


def _scores(seeds: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Returns in evaluations and in training."""
    returns = [seed["mean_return"] for seed in seeds if "mean_return" in seed]
    bests = [seed["best"] for seed in seeds if seed["best"]]
    lasts = [seed["final_evaluation"] for seed in seeds if seed.get("final_evaluation") is not None]
    return [
        ("best evaluation", _best(bests)),
        ("", _selected(bests)),
        ("last evaluation", _spread(lasts) if any(map(_apart, seeds)) else ""),
        (last_episodes(seeds), f"{_spread(returns)}, in training" if returns else ""),
    ]


def number(value: float, beside: Sequence[float] = ()) -> str:
    """A return with as many decimals as say something of it and of the values it stands beside."""
    largest = max(abs(each) for each in (value, *beside))
    return f"{value:,.{1 if largest >= 10 or largest == 0 else 3}f}"


def last_episodes(seeds: Sequence[Mapping[str, Any]]) -> str:
    """Of which episodes the returns in training are means, at least, by the summaries of seeds."""
    least = min([RECENT, *(seed["episodes"] for seed in seeds if "episodes" in seed)])
    return f"last {least} episodes" if least > 1 else "last episode"


def counted(count: int, what: str) -> str:
    """Such as ``1 seed`` and ``2,000 seeds``."""
    return f"{count:,} {what}{'s' * (count != 1)}"


def _spread(values: Sequence[float]) -> str:
    """A mean, and its range where there are several."""
    if not values:
        return ""
    mean, low, high = (number(float(of(values)), values) for of in (np.mean, np.min, np.max))
    return mean if len(values) == 1 else f"{mean}, the mean of {len(values)} seeds from {low} to {high}"


def _best(bests: Sequence[Mapping[str, Any]]) -> str:
    where = f" at step {bests[0]['step']:,}" if len(bests) == 1 else ""
    return _spread([best["mean"] for best in bests]) + where


def _selected(bests: Sequence[Mapping[str, Any]]) -> str:
    """Of how many evaluations it is the maximum, and what was cut in it."""
    counts = sorted({best["of_selecting_evaluations"] for best in bests if "of_selecting_evaluations" in best})
    if not counts:
        return ""
    many = f"{counts[0]:,}" if len(counts) == 1 else f"{counts[0]:,} to {counts[-1]:,}"
    cut = sum(best.get("cut", 0) for best in bests)
    endless = f"; {cut} episodes without an end cut at {LONGEST:,} steps" if cut else ""
    return f"best of {many} selecting evaluations, evaluate scores it afresh{endless}"


def _apart(seed: Mapping[str, Any]) -> bool:
    """Whether the last policy was evaluated, and is not the best one."""
    best = seed["best"]
    return seed.get("final_evaluation") is not None and not (best and best["step"] == seed["step"])


def _ends(config: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterable[Row]:
    """Solved, interrupted, diverged: what is worth saying of how it ended."""
    seeds = summary.get("seeds", [])
    solved = sorted(seed["solved_at"] for seed in seeds if seed["solved_at"] is not None)
    if config["recipe"]["stop"]["type"] != "stop/never":
        many = f"{len(solved)} of {len(config['seeds'])}, " if len(config["seeds"]) > 1 else ""
        yield "solved", f"{many}at step {_middle(solved)}{_confirmation(seeds)}" if solved else "no"
    diverged = [seed for seed in seeds if seed["stopped"] == "diverged"]
    if diverged:
        which = f"seed {', '.join(str(seed['seed']) for seed in diverged)}, " if len(seeds) > 1 else ""
        yield "diverged", f"{which}by step {diverged[0]['step']:,}"
    idle = [seed for seed in seeds if seed.get("updates") == 0 < seed["step"]]
    if idle and summary.get("finished"):
        which = f"seed {', '.join(str(seed['seed']) for seed in idle)}: " if len(seeds) > 1 else ""
        yield "learnt", f"{which}nothing: 0 updates in {idle[0]['step']:,} steps"
    if not summary.get("finished"):
        yield "stopped", f"at step {summary.get('step', 0):,} of {config['recipe']['steps']:,}"


def _confirmation(seeds: Sequence[Mapping[str, Any]]) -> str:
    """Whether the evaluations of solved seeds' policies reach what their stopping rule asks for."""
    judged = [seed for seed in seeds if seed.get("confirmed") is not None]
    failed = [seed for seed in judged if not seed["confirmed"]]
    if not failed:
        return ", confirmed by evaluation" if judged else ""
    which = f" in {len(failed)} of {len(judged)}" if len(judged) > 1 else ""
    means = [seed["final_evaluation"] for seed in failed if seed["final_evaluation"] is not None]
    return f" in training, not confirmed by evaluation{which}: {_spread(means)}"


def _middle(steps: Sequence[int]) -> str:
    return f"{steps[0]:,}" if len(steps) == 1 else f"{np.median(steps):,.0f} (median)"


def _time(summary: Mapping[str, Any]) -> str:
    seconds, rate = summary.get("training_seconds", 0.0), summary.get("steps_per_second", 0.0)
    shown = f"{seconds:.1f} s" if seconds < 100 else f"{seconds / 60:.1f} min"
    together = " of all seeds together" if len(summary.get("seeds", [])) > 1 else ""
    return f"{shown} of training, {rate:,.0f} steps/s{together}" if seconds else ""
