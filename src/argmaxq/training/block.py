"""What is told of a block of training: to callbacks, and of one that ended badly."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from shlex import quote
from typing import Any, NamedTuple

import jax
import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.environments.env import Env
from argmaxq.runs.report import Report
from argmaxq.runs.track import DIVERGED, Track

NUMBERS = (int, float, np.integer, np.floating, np.bool_, jax.Array)


class Diverged(UserError):
    """Training came to numbers that are not finite."""


@dataclasses.dataclass(frozen=True)
class Block:
    """What a callback is told at a block's end.

    Attributes:
        step: Env steps done, over all lanes.
        reports: What the block gave, one for each seed.
        evaluations: Returns of the evaluation made now, one array for each seed; None where none was made.
        params: Position of a seed -> its acting parameters.
        measured: Diagnostics made now, by name, one dict for each seed; empty where none were made.
    """

    step: int
    reports: list[Report]
    evaluations: list[np.ndarray] | None
    params: Callable[[int], Any]
    measured: list[dict[str, float]]


Callback = Callable[[Block], object]
"""Called at each block's end. Returning True, NumPy's or JAX's too, ends the run there; a dict of numbers, or of one
for each seed by name, is recorded among the block's metrics."""


class Beside(NamedTuple):
    """What is done beside training by who drives it.

    Attributes:
        saving: Called before anything is saved, which it prevents by an exception; what it gives stands in the
            checkpoint.
        looked: Called with the loop at a block's end, when all has been looked at, and before it is saved.
    """

    saving: Callable[[], Mapping[str, Any]] = dict
    looked: Callable[[Any], object] = bool


ALONE = Beside()


def called_off(callbacks: Sequence[Callback], block: Block, tracks: Sequence[Track]) -> bool:
    """Tell of a block and record what is said; whether one that was told wishes to end the run.

    Raises:
        UserError: a callback returned numbers that cannot be recorded.
    """
    said = [callback(block) for callback in callbacks]
    for values in [each for each in said if isinstance(each, Mapping)]:
        for track, own in zip(tracks, _noted(values, len(tracks)), strict=True):
            track.note(own)
    return any(_true(each) for each in said)


def _true(said: Any) -> bool:
    """Whether a callback said True: Python's, or NumPy's or JAX's as comparisons of their numbers give it."""
    if isinstance(said, bool):
        return said
    is_array = isinstance(said, np.generic | np.ndarray | jax.Array)
    return bool(is_array and said.shape == () and said.dtype == np.bool_ and said)


def _noted(said: Mapping[Any, Any], seeds: int) -> list[dict[str, float]]:
    """A callback's numbers, for each seed.

    Raises:
        UserError: a name is no text, or a value is neither a number nor one for each seed.
    """
    columns = {}
    for name, value in said.items():
        each = [value] * seeds if np.ndim(value) == 0 else list(value)
        if not isinstance(name, str) or len(each) != seeds or not all(isinstance(one, NUMBERS) for one in each):
            raise UserError(
                f"a callback gives {name!r}: {value!r:.60}: needed is a name, and a number or {seeds} of them"
            )
        columns[name] = [float(one) for one in each]
    return [{name: values[number] for name, values in columns.items()} for number in range(seeds)]


def leave_diverged(tracks: Sequence[Track], saved_at: int | None, env: Env, say: Callable[[str], object]) -> None:
    """Stop seeds whose numbers are no longer finite, of which the latest checkpoint is that of step ``saved_at``.

    Raises:
        Diverged: none is left.
    """
    diverged = [track for track in tracks if track.faults and track.over != DIVERGED]
    for track in diverged:
        track.over, track.solved_at = DIVERGED, None
    if all(track.over == DIVERGED for track in tracks):
        for track in tracks:
            track.save()
        raise Diverged(_divergence(diverged[0], saved_at, env))
    for track in diverged:
        say(_divergence(track, saved_at, env))


def _divergence(track: Track, saved_at: int | None, env: Env) -> str:
    """What is no longer finite in a seed's numbers, where it can go on from, and what may be the cause."""
    kept = "none yet" if saved_at is None else f"that of step {saved_at}"
    what, where = ", ".join(track.faults), f"last good checkpoint: {kept}"
    if track.blamed:
        return f"seed {track.seed}: the environment gave {what}; {where}{_checking(env)}"
    return (
        f"seed {track.seed}: no longer finite in the block that ended at step {track.step}: {what}; {where}. "
        "Likely causes: a learning rate too high, rewards too large (scale or clip them by agent.rewards, or set "
        f"agent.optimiser.max_grad_norm){'. Try a smaller learning rate, or another seed' * (saved_at is None)}"
    )


def _checking(env: Env) -> str:
    """The command that looks closer at an environment, where one can name it."""
    if not isinstance(env.id, str):
        return ""
    options = f" --kwargs {quote(json.dumps(env.kwargs))}" if env.kwargs else ""
    return f". Try: argmaxq check {quote(env.id)}{options}"
