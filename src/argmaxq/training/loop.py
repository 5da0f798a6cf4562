"""The driver: blocks of training with everything that looks at it done between them."""

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.component import UserError
from argmaxq.recipe import Recipe
from argmaxq.training import checkpoint
from argmaxq.training.engine import Engine, Report, block_length
from argmaxq.training.progress import Progress
from argmaxq.training.track import CHECKPOINTS, LAST, Track, statistics


class Diverged(UserError):
    """Training came to numbers that are not finite."""


@dataclasses.dataclass(frozen=True)
class Block:
    """What a callback is told at a block's end.

    Attributes:
        step: Env steps done, over all lanes.
        reports: What the block gave, one for each seed.
        evaluations: Returns of the evaluation made now, one array for each seed; None where none was due.
        params: Position of a seed -> its acting parameters.
    """

    step: int
    reports: list[Report]
    evaluations: list[np.ndarray] | None
    params: Callable[[int], Any]


Callback = Callable[[Block], object]
"""Called at each block's end; returning True ends the run there."""


class Loop:
    """Drives an engine from one iteration to another, keeping the run folder."""

    def __init__(
        self, recipe: Recipe, engine: Engine, folder: Path, tracks: list[Track], callbacks: Sequence[Callback] = ()
    ) -> None:
        self.recipe, self.engine, self.folder, self.tracks = recipe, engine, folder, tracks
        self.iteration = 0
        self.seconds = 0.0
        self._callbacks = callbacks
        self._state: Any = None
        self._saved_at = -1

    @property
    def steps_per_iteration(self) -> int:
        """Env steps of one iteration."""
        return self.recipe.agent.rollout * self.engine.lanes

    def begin(self) -> None:
        """Start from the beginning; earlier records of a run that never came to a checkpoint are dropped."""
        for track in self.tracks:
            track.records.cut_back({})
        self._state = self.engine.start()

    def restore(self, path: Path) -> list[str]:
        """Go back to a checkpoint; returns what could not be restored exactly, a line each."""
        arrays, meta = checkpoint.load(path)
        own = {name.removeprefix("engine/"): a for name, a in arrays.items() if name.startswith("engine/")}
        self._state, lost = self.engine.restore(own, meta["engine"])
        self.iteration, self.seconds = meta["iteration"], meta["seconds"]
        self._saved_at = self.iteration
        for number, (track, saved) in enumerate(zip(self.tracks, meta["tracks"], strict=True)):
            prefix = f"best-{number}/"
            track.restore({k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}, saved)
        return lost

    def run(self, progress: Progress) -> None:
        """Train to the last step, a stopping rule, a signal or a callback's wish; then save.

        Raises:
            Diverged: every seed's training came to numbers that are not finite.
        """
        end = -(-self.recipe.steps // self.steps_per_iteration)
        with signals() as interrupted:
            while self.iteration < end and not all(track.over for track in self.tracks):
                began = time.perf_counter()
                following = min(end, self._next_event())
                self._state, reports = self.engine.run(self._state, self.iteration, following)
                self.iteration = following
                wish = self._look(reports, progress)
                self.seconds += time.perf_counter() - began
                self._note_time()
                if interrupted():
                    progress.say(f"stopping: {interrupted()} received, saving at step {self.step}")
                    break
                if wish:
                    for track in self.tracks:
                        track.over = track.over or "by a callback"
            self._finish_tracks()
            self.save()

    @property
    def step(self) -> int:
        """Env steps done, over all lanes."""
        return self.iteration * self.steps_per_iteration

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.step >= self.recipe.steps or all(track.over for track in self.tracks)

    def _next_event(self) -> int:
        """The iteration at which the coming block ends: its full length, or an evaluation or checkpoint before that."""
        ends = [self.iteration + block_length(self.recipe.agent, self.engine.lanes)]
        ends += [self._due(every) for every in (self.recipe.evaluation.every, self.recipe.checkpoint_every) if every]
        return min(ends)

    def _due(self, every: int) -> int:
        """The first iteration after this one that crosses a multiple of ``every`` env steps."""
        return -(-(self.step // every + 1) * every // self.steps_per_iteration)

    def _crossed(self, every: int) -> bool:
        """Whether the latest iteration crossed a multiple of ``every`` env steps."""
        return bool(every) and self.step // every > (self.step - self.steps_per_iteration) // every

    def _look(self, reports: list[Report], progress: Progress) -> bool:
        """Record, check, evaluate, checkpoint, show; returns whether a callback wishes to stop."""
        active = [number for number, track in enumerate(self.tracks) if not track.over]
        for number in active:
            self.tracks[number].block(reports[number])
        self._check_finite(active, progress)
        evaluations = self._evaluate(active) if self._crossed(self.recipe.evaluation.every) else None
        for number in active:
            track = self.tracks[number]
            if not track.over:
                track.judge(self.recipe.stop, evaluations[number] if evaluations else None)
                if track.over:
                    track.keep(LAST, self.engine.params(self._state, number))
        if self._crossed(self.recipe.checkpoint_every):
            self.save()
        block = Block(self.step, reports, evaluations, lambda number: self.engine.params(self._state, number))
        wishes = [callback(block) is True for callback in self._callbacks]
        progress.update(self.step, self._values(evaluations))
        return any(wishes)

    def _check_finite(self, active: list[int], progress: Progress) -> None:
        """Stop seeds whose numbers are no longer finite; raise where none is left."""
        for number in active:
            track = self.tracks[number]
            if track.diverged():
                track.over = "diverged"
                progress.say(self._divergence(track))
        if all(track.over == "diverged" for track in self.tracks):
            for track in self.tracks:
                track.save()
            raise Diverged(self._divergence(self.tracks[0]))

    def _divergence(self, track: Track) -> str:
        names = ", ".join(name for name, value in track.metrics.items() if not np.isfinite(value))
        kept = f"the checkpoint of step {self._saved_at * self.steps_per_iteration}" if self._saved_at > 0 else "none yet"
        return (
            f"seed {track.seed}: {names} is no longer finite in the block that ended at step {track.step}; last good "
            f"checkpoint: {kept}. Likely causes: a learning rate too high, rewards too large (set agent.reward_scale or "
            "agent.optimiser.max_grad_norm), an environment that returns NaN (try: argmaxq check)"
        )

    def _evaluate(self, active: list[int]) -> list[np.ndarray]:
        evaluations = self.engine.evaluate(self._state, self.recipe.evaluation.episodes, self.iteration)
        for number in active:
            if not self.tracks[number].over:
                self.tracks[number].evaluated(evaluations[number], self.engine.params(self._state, number))
        return evaluations

    def _values(self, evaluations: list[np.ndarray] | None) -> dict[str, float]:
        """What progress shows: means over the seeds."""
        means = [track.mean_return for track in self.tracks if track.returns]
        values = {"return": float(np.mean(means))} if means else {}
        epsilons = [track.metrics["epsilon"] for track in self.tracks if "epsilon" in track.metrics]
        values |= {"epsilon": float(np.mean(epsilons))} if epsilons else {}
        bests = [track.best["mean"] for track in self.tracks if track.best]
        return values | ({"best": float(np.mean(bests))} if bests else {})

    def _finish_tracks(self) -> None:
        for number, track in enumerate(self.tracks):
            if not track.over:
                track.keep(LAST, self.engine.params(self._state, number))

    def _note_time(self) -> None:
        for track in self.tracks:
            track.records.append("times", [{"step": self.step, "seconds": round(self.seconds, 4)}])

    def save(self) -> None:
        """Bring policies and records to the disk, then a checkpoint of everything; keep the two latest."""
        for track in self.tracks:
            track.save()
        if self._saved_at == self.iteration:
            return
        own, engine_meta = self.engine.save(self._state)
        arrays = {f"engine/{name}": array for name, array in own.items()}
        metas = []
        for number, track in enumerate(self.tracks):
            best, meta = track.state()
            arrays |= {f"best-{number}/{name}": array for name, array in best.items()}
            metas.append(meta)
        meta = {"iteration": self.iteration, "seconds": self.seconds, "engine": engine_meta, "tracks": metas}
        folder = self.folder / CHECKPOINTS
        checkpoint.save(folder, f"step-{self.step:09d}", arrays, meta)
        checkpoint.prune(folder)
        self._saved_at = self.iteration


@contextmanager
def signals() -> Iterator[Callable[[], str]]:
    """Within it, Ctrl-C and SIGTERM only leave their name with the returned function; a second Ctrl-C interrupts."""
    received: list[str] = []

    def note(number: int, frame: Any) -> None:
        if received and number == signal.SIGINT:
            raise KeyboardInterrupt
        received.append(signal.Signals(number).name)

    if threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: received[0] if received else ""
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def summarise(tracks: list[Track], seconds: float, step: int, finished: bool) -> dict[str, Any]:
    """What ``summary.json`` holds: wall clock, speed, and what became of each seed."""
    rate = {"training_seconds": round(seconds, 3), "steps_per_second": round(len(tracks) * step / max(seconds, 1e-9), 1)}
    bests = np.array([track.best["mean"] for track in tracks if track.best])
    best = {"best": statistics(bests)} if len(bests) else {}
    return {"finished": finished, "step": step, **rate, **best, "seeds": [track.summary() for track in tracks]}
