"""What a run begins with that starts from another run's network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.components.errors import UserError, printable
from argmaxq.components.serialisation import to_json
from argmaxq.roles import Agent
from argmaxq.runs import checkpoint
from argmaxq.runs.folder import seed_folder
from argmaxq.runs.formats import FROM
from argmaxq.runs.track import BEST, CHECKPOINTS, START
from argmaxq.spaces import Spaces
from argmaxq.training.warm import Fit, fit, fresh_params
from argmaxq.verbs.run import Run


class Source(NamedTuple):
    """A run to start from, and which of its checkpoints."""

    run: Run | str | Path
    which: str | int = BEST


def chosen_source(run: Run | str | Path | None, which: str | int | None) -> Source | None:
    """A run and a checkpoint of it, either of them left out; raises UserError for a checkpoint without a run."""
    if run is None and which is not None:
        raise UserError(f"checkpoint {which} of which run? --from-checkpoint picks one of the run that --from names")
    return None if run is None else Source(run, BEST if which is None else which)


class Beginning(NamedTuple):
    """Parameters of each seed, what the configuration holds of them, and what to say; see ``training.warm``."""

    fits: tuple[Fit, ...]
    config: dict[str, Any]
    said: str
    rescaled: bool = False

    @property
    def whole(self) -> bool:
        """Whether everything was taken, and nothing left, and rewards in learning are what they were."""
        return not self.fits[0].told and not self.rescaled

    def save(self, folder: Path, run: str, seeds: Sequence[int]) -> None:
        """Write them as the checkpoint ``start`` of each seed, so that the source is needed no more."""
        for seed, own in zip(seeds, self.fits, strict=True):
            place = folder if len(seeds) == 1 else seed_folder(folder, seed)
            checkpoint.save(place / CHECKPOINTS, START, own.arrays, {"step": 0, "run": run, "seeds": [seed]})


def beginning(source: Source, agent: Agent, spaces: Spaces, lanes: int, seeds: Sequence[int]) -> Beginning:
    """What an agent of these seeds begins with: all with the run's one seed, or each with its own.

    Raises:
        UserError: there is no such run, checkpoint or seed; nothing of it fits; or it is not finite.
    """
    run = source.run if isinstance(source.run, Run) else Run(source.run)
    parts, which = _parts(run, seeds), f"{run.path}, checkpoint {source.which}"
    fresh = fresh_params(agent, spaces, lanes, seeds)
    fits = tuple(fit(own, part.arrays(source.which)) for own, part in zip(fresh, parts, strict=True))
    first = fits[0]
    if not first.taken:
        raise UserError(f"nothing of {which} fits this agent; {first.told}")
    if first.fresh and all(name.endswith("bias") for name in first.taken):
        raise UserError(f"nothing but biases of {which} fits this agent; {first.told}")
    if not all(np.isfinite(own.arrays[name]).all() for own in fits for name in own.taken):
        raise UserError(f"{which} holds numbers that are not finite: nothing can be learnt from there on")
    steps = [part.step(source.which) for part in parts]
    config = {
        "path": printable(str(run.path)),
        "run": run.config.get("id"),
        "checkpoint": str(source.which),
        "seeds": [part.seeds[0] for part in parts],
        "steps": steps,
        "taken": list(first.taken),
        "fresh": list(first.fresh),
    }
    at = f"step {steps[0]:,}" if len({*steps}) == 1 else f"steps {min(steps):,} to {max(steps):,}"
    many = f"{len(first.taken)} of {len(first.arrays)}" if first.fresh else f"all {len(first.arrays)}"
    said = f"begins with {many} arrays of parameters from {which} ({at})"
    rescaled = _rescaled(to_json(getattr(agent, "rewards", None)), run.config["recipe"]["agent"].get("rewards"))
    return Beginning(fits, {FROM: config}, "; ".join(filter(None, [said, first.told, rescaled])), bool(rescaled))


def _rescaled(here: Any, there: Any) -> str:
    """That rewards in learning are not what they were, of both as JSON, so that values begin at another scale."""
    if here == there or not (isinstance(here, dict) and isinstance(there, dict)):
        return ""
    now, then = (f"times {each['factor']:g}" if "factor" in each else each["type"] for each in (here, there))
    return f"rewards are {now} in learning, and were {then} there: values begin at another scale"


def _parts(run: Run, seeds: Sequence[int]) -> list[Run]:
    """For each new seed the run of one seed that it begins with."""
    if len(run.seeds) == 1:
        return [run] * len(seeds)
    parts = {part.seeds[0]: part for part in run.parts}
    if missing := [seed for seed in seeds if seed not in parts]:
        one = f"start all from one of its seeds, such as {run.parts[0].path}"
        raise UserError(f"{run.path} has no seed {missing[0]} for the new one to begin with: {one}")
    return [parts[seed] for seed in seeds]
