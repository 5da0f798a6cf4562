"""A recorded episode as a page shows it: bars, histograms, ranges, and the return to come beside the forecast."""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from gymnasium import Space

from argmaxq.environments.env import Env
from argmaxq.lanes.hybrid import bounds
from argmaxq.page.chart import Chart, Series
from argmaxq.page.embedded import encoded, small
from argmaxq.reporting.names import action_names, branch_names, entry_name, in_units
from argmaxq.runs.track import BEST
from argmaxq.spaces import Actions, BranchedActions
from argmaxq.verbs.run import Run
from argmaxq.visualisation.recording import Recording, record

MOST = 500
"""Steps that are shown."""
ROWS = 12
"""Actions that are shown: of more those taken most often."""
RARE = 0.02
AGREE = 5e-4
"""Share of the greatest return up to which forecast and fact are the same, rounded."""
BINS = 48
"""Of a histogram of quantiles."""


class Row(NamedTuple):
    """An action: its name, the number of its value among all, and its parameters as (name, column, low, high)."""

    name: str
    column: int
    parameters: tuple[tuple[str, int, float, float], ...] = ()


class Explorer(NamedTuple):
    """What the page shows: rows of actions, all numbers as JSON, a chart of values over steps, and what to say of it.

    Attributes:
        rows: The actions.
        entries: Names of the observation's entries that are told.
        data: For the script.
        chart: The forecast and what came; None where the agent forecasts nothing.
        first: The first picture, WebP in base64; empty without any.
        size: Its width and height.
        notes: Sentences.
        signs: Whether rows have values, and histograms.
        unseen: Why there is no picture; empty where there is one.
    """

    rows: tuple[Row, ...]
    entries: tuple[str, ...]
    data: dict[str, Any]
    chart: Chart | None
    first: str
    size: tuple[int, int]
    notes: tuple[str, ...]
    signs: tuple[bool, bool]
    unseen: str = ""


def explored(run: Run, which: str | int = BEST, seed: int = 1) -> Explorer:
    """One greedy episode of one seed's run; raises UserError as ``record`` does."""
    policy, env = run.policy(which), run.recipe.env
    found = record(run, MOST, small, which, seed)
    pictures = encoded(found.pictures)
    shown = len(pictures) or len(found.rewards)
    spec, (space, taken) = policy.adaptor.spaces, policy.adaptor.native
    called = _called(env, spec.action, taken)
    rows = _rows(found, spec.action, called)
    columns = [row.column for row in rows]
    spread = distributions(policy.agent.returns, found.outputs) if hasattr(policy.agent, "returns") else None
    data: dict[str, Any] = {"n": shown, "a": _taken(found)[:shown].tolist(), "r": _short(found.rewards[:shown])}
    if found.values is not None:
        values = found.values[:shown, columns]
        data |= {"q": [_short(each) for each in values], "range": _range(values)}
    if spread is not None:
        data["bins"] = _packed(spread, shown, columns)
    if found.parameters is not None:
        data["p"] = [_short(each) for each in found.parameters[:shown]]
    if found.worth is not None:
        data["w"] = _short(found.worth[:shown])
    if found.following is not None:
        data["g"] = _short(found.following[:shown])
    entries: tuple[str, ...] = ()
    if found.observations is not None:
        seen = found.observations[:shown].T
        entries = tuple(entry_name(env, number, space) for number in range(len(seen)))
        told = [in_units(env, number, values.astype(float), space) for number, values in enumerate(seen)]
        data["o"] = [_short(each) for each in np.stack(told, axis=1)]
    named = {*columns, *np.unique(_taken(found)).tolist()} & {*range(len(called))}
    data |= {"names": {column: called[column] for column in sorted(named)}, "frames": pictures}
    size = found.pictures[0].size if pictures else (0, 0)
    notes = _notes(found, shown)
    return Explorer(
        rows, entries, data, _chart(found, shown), pictures[0] if pictures else "", size, notes,
        (found.values is not None, spread is not None), found.unseen,
    )  # fmt: skip


def distributions(returns: Any, outputs: np.ndarray | None) -> tuple[np.ndarray, float, float] | None:
    """Probabilities [n, actions, bins] of returns from ``low`` to ``high``; None where outputs are no distribution."""
    if outputs is None or (outputs.ndim != 3 and not (outputs.ndim == 4 and hasattr(returns, "levels"))):
        return None
    if hasattr(returns, "support"):
        z = outputs - outputs.max(axis=-1, keepdims=True)
        shares = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
        support = np.asarray(returns.support)
        return shares, float(support[0]), float(support[-1])
    if not hasattr(returns, "kappa") or not hasattr(returns, "quantiles"):
        return None
    quantiles = outputs[..., 0] if outputs.ndim == 4 else outputs
    low, high = float(quantiles.min()), float(quantiles.max())
    if not high > low:
        return None
    place = np.clip(((quantiles - low) / (high - low) * BINS).astype(int), 0, BINS - 1)
    return (place[..., np.newaxis] == np.arange(BINS)).mean(axis=-2), low, high


def _packed(spread: tuple[np.ndarray, float, float], shown: int, columns: Sequence[int]) -> dict[str, Any]:
    """Bytes in base64, 255 for each step's greatest probability; returns that hardly have any are cut off."""
    shares, low, high = spread
    kept = shares[:shown, columns]
    there = np.flatnonzero(kept.max(axis=(0, 1)) > RARE * kept.max())
    first, last, width = int(there[0]), int(there[-1]), (high - low) / max(kept.shape[-1] - 1, 1)
    cut = kept[..., first : last + 1]
    scaled = np.rint(255 * cut / cut.max(axis=(1, 2), keepdims=True)).astype(np.uint8)
    edges = {"low": low + (first - 0.5) * width, "high": low + (last + 0.5) * width, "count": last + 1 - first}
    return edges | {"p": base64.b64encode(scaled.tobytes()).decode()}


def _called(env: Env, action: Actions, space: Space[Any]) -> tuple[str, ...]:
    """What each column of the values is called: an action, or a choice of a branch."""
    return branch_names(space) if isinstance(action, BranchedActions) else action_names(env, action.n, space)


def _rows(found: Recording, action: Actions, called: Sequence[str]) -> tuple[Row, ...]:
    if isinstance(action, BranchedActions):
        width = max(action.sizes)
        every = [Row(called[b * width + k], b * width + k) for b, n in enumerate(action.sizes) for k in range(n)]
        return tuple(every[: 2 * ROWS])
    count = found.values.shape[1] if found.values is not None else found.space.actions.n if found.space else 0
    often = np.argsort(-np.bincount(found.actions, minlength=count), kind="stable") if count else np.zeros(0, int)
    columns = sorted(often[:ROWS].tolist())
    if found.space is None:
        return tuple(Row(called[column], column) for column in columns)
    low, high = bounds(found.space.boxes)
    sizes = found.space.actions.sizes
    first = np.cumsum([0, *sizes])
    return tuple(Row(called[k], k, _parameters(sizes[k], int(first[k]), low, high)) for k in columns)


def _parameters(size: int, first: int, low: np.ndarray, high: np.ndarray) -> tuple[tuple[str, int, float, float], ...]:
    """The parameters of one action."""
    names = [f"parameter {number}" if size > 1 else "parameter" for number in range(size)]
    return tuple((name, at, float(low[at]), float(high[at])) for at, name in enumerate(names, first))


def _taken(found: Recording) -> np.ndarray:
    """Which column of the values each step took; of several branches all that were taken, [n, branches]."""
    if found.actions.ndim == 1 or found.values is None:
        return found.actions
    width = found.values.shape[1] // found.actions.shape[1]
    return np.asarray(found.actions + width * np.arange(found.actions.shape[1]))


def _range(values: np.ndarray) -> list[float]:
    """The ends of the bars: all values, and 0 where that is near."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    span = high - low or 1.0
    return [0.0 if 0 < low < 2 * span else low - 0.08 * span, 0.0 if -2 * span < high < 0 else high + 0.02 * span]


def _chart(found: Recording, shown: int) -> Chart | None:
    steps = np.arange(shown, dtype=float)
    series = []
    if found.following is not None:
        series.append(Series("return that followed", steps, found.following[:shown], 2))
    if found.worth is not None:
        series.append(Series("return that was expected", steps, found.worth[:shown], 1))
    return (
        Chart(
            "Expected and actual return to come", tuple(series), across="step", up="discounted return, as it is learnt"
        )
        if series
        else None
    )


def _notes(found: Recording, shown: int) -> tuple[str, ...]:
    end = "came to its end" if found.ended else "met its time limit"
    notes = [f"One greedy episode: return {found.total:.4g} in {found.steps:,} steps, when it {end}."]
    if shown < found.steps:
        notes.append(f"Its first {shown:,} steps are shown.")
    if found.following is not None and found.worth is not None:
        furthest = int(np.argmax(np.abs(found.worth - found.following)[:shown]))
        gap = float(found.worth[furthest] - found.following[furthest])
        notes.append(apart(furthest, gap, float(np.abs(found.following[:shown]).max())))
    elif found.worth is not None:
        notes.append("Rewards are learnt in a running unit, so what followed cannot be put beside the forecast.")
    return tuple(notes)


def apart(step: int, gap: float, largest: float) -> str:
    """How far the forecast was wrong at the step where it was most so, beside returns of this size."""
    if abs(gap) <= AGREE * largest:
        return "Forecast and fact agree at every step."
    much = "much" if gap > 0 else "little"
    return f"Furthest apart are forecast and fact at step {step}: {abs(gap):.3g} too {much} was expected."


def _short(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.4g}") if np.isfinite(value) else None for value in values.tolist()]
