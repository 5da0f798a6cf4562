"""The driver: blocks of training with everything that looks at it done between them."""

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.components.errors import UserError
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import checkpoint
from argmaxq.runs.formats import STATE, checked
from argmaxq.runs.report import Report
from argmaxq.runs.stretches import Stretch, total_at
from argmaxq.runs.track import CALLED_OFF, CHECKPOINTS, DIVERGED, Track
from argmaxq.runs.writing import amount
from argmaxq.training.engine import Engine
from argmaxq.training.progress import Progress
from argmaxq.training.standstill import NEARLY, standing_still, told

LARGE = 10**8
"""Bytes from which a checkpoint's size is said before the first one is written."""


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
        self,
        recipe: Recipe,
        engine: Engine,
        folder: Path,
        tracks: list[Track],
        callbacks: Sequence[Callback] = (),
        parts: Sequence[Stretch] = (),
    ) -> None:
        self.recipe, self.engine, self.folder, self.tracks = recipe, engine, folder, tracks
        self.iteration = 0
        self.seconds = 0.0
        self._stretches = tuple(parts) or (Stretch(0, recipe.steps),)
        self._callbacks = callbacks
        self._state: Any = None
        self._saved_at = -1
        self._size_told = False
        self._watch = time.perf_counter()

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
        """Go back to a checkpoint; returns what could not be restored exactly, a line each.

        Raises:
            UserError: it is another run's, or what it holds does not fit; then nothing is changed.
        """
        arrays, meta = checkpoint.load(path)
        checked(STATE, meta, path)
        checkpoint.check_owner(path, meta, self.tracks[0].run, [track.seed for track in self.tracks])
        for track, saved in zip(self.tracks, meta["tracks"], strict=True):
            track.records.fit(saved["records"])
        own = {name.removeprefix("engine/"): a for name, a in arrays.items() if name.startswith("engine/")}
        self._state, lost = self.engine.restore(own, meta["engine"])
        self.iteration, self.seconds = meta["iteration"], meta["seconds"]
        self._saved_at = self.iteration
        for number, (track, saved) in enumerate(zip(self.tracks, meta["tracks"], strict=True)):
            prefix = f"best-{number}/"
            track.restore({k.removeprefix(prefix): a for k, a in arrays.items() if k.startswith(prefix)}, saved)
            if track.over == CALLED_OFF and self.recipe.steps > meta["steps"]:
                track.over = ""  # more steps are asked for since
        return lost

    def run(self, progress: Progress) -> None:
        """Train to the last step, a stopping rule, a signal or a callback's wish; then save.

        Raises:
            Diverged: every seed's training came to numbers that are not finite.
        """
        self._watch = time.perf_counter()
        with signals() as interrupted:
            while not self.finished:
                following = self._next_event()
                self._state, reports = self.engine.run(self._state, self.iteration, following, self.total)
                self.iteration = following
                self._look(reports, progress)
                if interrupted() and not self.finished:
                    progress.say(f"stopping: {interrupted()} received, saving at step {self.step}")
                    break
            self.save(progress)

    def standstill(self) -> str:
        """What to say where nothing can be learnt any more; empty before the first step."""
        going = [self.tracks[number] for number in self._active()]
        still = [standing_still(self.recipe.agent, track.clock(self.total)) for track in going]
        return told(self.recipe.agent, self.step, self.recipe.steps) if still and all(still) else ""

    @property
    def step(self) -> int:
        """Env steps done, over all lanes."""
        return self.iteration * self.steps_per_iteration

    @property
    def total(self) -> int:
        """Env steps that the run is to have, as seen from here: what schedules count shares of."""
        return total_at(self._stretches, self.step)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        return self.step >= self.recipe.steps or not self._active()

    @property
    def saved(self) -> bool:
        """Whether a checkpoint holds all that was done."""
        return self._saved_at == self.iteration

    def _active(self) -> list[int]:
        """Positions of the seeds that go on."""
        return [number for number, track in enumerate(self.tracks) if not track.over]

    def _next_event(self) -> int:
        """The iteration at which the coming block ends: the run's end, an evaluation, a checkpoint, or a full block.

        Where another stretch of the run begins, a block ends, too.

        It depends on the iteration alone, so that an interruption does not move the blocks after it.
        """
        length = self.engine.length
        ends = [(self.iteration // length + 1) * length, self._first_at(self.recipe.steps)]
        ends += [self._first_at(each.begin) for each in self._stretches if each.begin > self.step]
        ends += [self._due(every) for every in (self.recipe.evaluation.every, self.recipe.checkpoint_every) if every]
        return min(ends)

    def _due(self, every: int) -> int:
        """The first iteration after this one that crosses a multiple of ``every`` env steps."""
        return self._first_at((self.step // every + 1) * every)

    def _first_at(self, step: int) -> int:
        """Iterations after which at least ``step`` env steps are done."""
        return int(-(-step // self.steps_per_iteration))

    def _crossed(self, every: int) -> bool:
        """Whether the latest iteration crossed a multiple of ``every`` env steps."""
        return bool(every) and self.step // every > (self.step - self.steps_per_iteration) // every

    def _look(self, reports: list[Report], progress: Progress) -> None:
        """Record, check, evaluate, judge, call back, checkpoint, show."""
        for number in self._active():
            self.tracks[number].block(reports[number])
            self._note_standstill(self.tracks[number], progress)
        self._leave_diverged(progress)
        evaluations = self._evaluate() if self._crossed(self.recipe.evaluation.every) else None
        going = self._active()
        for number in going:
            self.tracks[number].judge(self.recipe.stop, evaluations[number] if evaluations else None)
        block = Block(self.step, reports, evaluations, lambda number: self.engine.params(self._state, number))
        wishes = [callback(block) is True for callback in self._callbacks]
        if any(wishes):
            for number in self._active():
                self.tracks[number].over = CALLED_OFF
        self._keep_last([number for number in going if self.tracks[number].over], progress)
        self._note_time()
        if self._crossed(self.recipe.checkpoint_every):
            self.save(progress)
        progress.update(self.step, self._values())

    def _note_standstill(self, track: Track, progress: Progress) -> None:
        """Say it once if updates no longer change anything."""
        still = standing_still(self.recipe.agent, track.clock(self.total))
        if still and track.learnt_until is None and track.step < NEARLY * self.recipe.steps:
            progress.say(f"seed {track.seed}: {told(self.recipe.agent, track.step, self.recipe.steps)}")
        track.learnt_until = (track.learnt_until or track.step) if still else None

    def _leave_diverged(self, progress: Progress) -> None:
        """Stop seeds whose numbers are no longer finite; raise where none is left."""
        diverged = [track for track in self.tracks if track.faults and track.over != DIVERGED]
        for track in diverged:
            track.over, track.solved_at = DIVERGED, None
        if all(track.over == DIVERGED for track in self.tracks):
            for track in self.tracks:
                track.save()
            raise Diverged(self._divergence(diverged[0]))
        for track in diverged:
            progress.say(self._divergence(track))

    def _keep_last(self, numbers: list[int], progress: Progress) -> None:
        """Hold the newest policies of these seeds."""
        for number in numbers:
            self.tracks[number].keep_last(self.engine.params(self._state, number))
        self._leave_diverged(progress)

    def _divergence(self, track: Track) -> str:
        kept = f"that of step {self._saved_at * self.steps_per_iteration}" if self._saved_at >= 0 else "none yet"
        what, where = ", ".join(track.faults), f"last good checkpoint: {kept}"
        if track.blamed:
            return f"seed {track.seed}: the environment gave {what}; {where}. Try: argmaxq check"
        return (
            f"seed {track.seed}: no longer finite in the block that ended at step {track.step}: {what}; {where}. "
            "Likely causes: a learning rate too high, rewards too large (set agent.reward_scale or "
            "agent.optimiser.max_grad_norm)"
        )

    def _evaluate(self) -> list[np.ndarray]:
        evaluations = self.engine.evaluate(self._state, int(self.recipe.evaluation.episodes), self.iteration)
        for number in self._active():
            self.tracks[number].evaluated(evaluations[number], self.engine.params(self._state, number))
        return evaluations

    def _values(self) -> dict[str, float]:
        """What progress shows: means over the seeds."""
        means = [track.mean_return for track in self.tracks if track.returns]
        values = {"return": float(np.mean(means))} if means else {}
        epsilons = [track.metrics["epsilon"] for track in self.tracks if "epsilon" in track.metrics]
        values |= {"epsilon": float(np.mean(epsilons))} if epsilons else {}
        bests = [track.best["mean"] for track in self.tracks if track.best]
        return values | ({"best": float(np.mean(bests))} if bests else {})

    def _note_time(self) -> None:
        now = time.perf_counter()
        self.seconds, self._watch = self.seconds + now - self._watch, now
        for track in self.tracks:
            track.records.append("times", [{"step": self.step, "seconds": round(self.seconds, 4)}])

    def save(self, progress: Progress) -> None:
        """Bring policies and records to the disk, then a checkpoint of everything; keep the two latest."""
        if self.saved:
            return
        self._keep_last(self._active(), progress)
        with ThreadPoolExecutor() as pool:  # many seeds would wait long for the disk, one after another
            list(pool.map(Track.save, self.tracks))
        own, engine_meta = self.engine.save(self._state)
        arrays = {f"engine/{name}": array for name, array in own.items()}
        metas = []
        for number, track in enumerate(self.tracks):
            best, meta = track.state()
            arrays |= {f"best-{number}/{name}": array for name, array in best.items()}
            metas.append(meta)
        done = {"iteration": self.iteration, "seconds": self.seconds, "steps": int(self.recipe.steps)}
        owner = {"run": self.tracks[0].run, "seeds": [track.seed for track in self.tracks]}
        meta = {**owner, **done, "engine": engine_meta, "tracks": metas}
        size = checkpoint.size(arrays)
        if size >= LARGE and not self._size_told:
            progress.say(f"each checkpoint takes {amount(size)}, and two are kept")
            self._size_told = True
        folder = self.folder / CHECKPOINTS
        saved = checkpoint.save(folder, f"step-{self.step:09d}", arrays, meta)
        self._saved_at = self.iteration
        # Newer ones were damaged when this run was resumed: pruning must not take them for the two to keep.
        found = checkpoint.checkpoints(folder)
        for newer in found[found.index(saved) + 1 :]:
            checkpoint.drop(newer)
        checkpoint.prune(folder)


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
    heeded = [number for number in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, note) for number in heeded}
    try:
        yield lambda: received[0] if received else ""
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
