"""The driver: blocks of training with everything that looks at it done between them."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from argmaxq.interrupts import INTERRUPTIONS, hold, waiting
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import checkpoint
from argmaxq.runs.changes import Change
from argmaxq.runs.formats import STATE, checked
from argmaxq.runs.report import Report, joined
from argmaxq.runs.stretches import Stretch, total_at
from argmaxq.runs.track import CALLED_OFF, CHECKPOINTS, Track, faults
from argmaxq.training import whole
from argmaxq.training.block import ALONE, Beside, Block, Callback, Diverged, called_off, leave_diverged
from argmaxq.training.ceilings import Ceiling
from argmaxq.training.changed import adapted, reopen
from argmaxq.training.engines.engine import Broken, Engine
from argmaxq.training.evaluation import Halted, Played
from argmaxq.training.live import Live
from argmaxq.training.pace import Pace
from argmaxq.training.progress import Progress, done, means
from argmaxq.training.standstill import note_standstill, standing_still, told
from argmaxq.training.timetable import Timetable
from argmaxq.training.warm import warmed


class Loop:
    """Drives an engine from one iteration to another, keeping the run folder.

    A block is done in as many calls of the engine as its time asks for, and then looked at. A signal, or an exception,
    may come between any two of these; what is saved then says where the block began. Where agents differ by numbers of
    their own, ``recipes`` are those of each track.
    """

    def __init__(
        self,
        recipe: Recipe,
        engine: Engine,
        folder: Path,
        tracks: list[Track],
        callbacks: Sequence[Callback] = (),
        parts: Sequence[Stretch] = (),
        changes: Sequence[Change] = (),
        recipes: Sequence[Recipe] = (),
        beside: Beside = ALONE,
    ) -> None:
        self.recipe, self.engine, self.folder, self.tracks = recipe, engine, folder, tracks
        self._recipes, self._beside = list(recipes) or [recipe] * len(tracks), beside
        self.iteration = self._begun = 0
        self.seconds = 0.0
        self.saved = False
        self._stretches, self._changes = tuple(parts) or (Stretch(0, recipe.steps),), tuple(changes)
        intervals = int(recipe.evaluation.every), int(recipe.checkpoint_every)
        per_iteration = recipe.agent.rollout * engine.lanes
        self._times = Timetable(per_iteration, engine.length, int(recipe.steps), intervals, self._stretches)
        self._callbacks = callbacks
        self._state: Any = None
        self._reports: list[Report] = []
        self._reported_at = -1
        self._saved_at: int | None = None
        self._pace = Pace()
        self._ceiling, self._live = Ceiling(recipe.env), Live()
        self._watch = time.perf_counter()

    def begin(self, warm: Sequence[Mapping[str, np.ndarray]] = ()) -> None:
        """Start from the beginning, or with each seed's ``warm`` parameters, by name.

        Earlier records of a run that never came to a checkpoint are dropped.
        """
        self._state = self.engine.start()
        if warm:
            self._state = warmed(self.engine, self._state, warm)
        for number, track in enumerate(self.tracks):
            track.begin(partial(self.engine.params, self._state, number))

    def restore(self, path: Path) -> list[str]:
        """Go back to a checkpoint; returns what could not be restored exactly, a line each.

        Raises:
            UserError: it is another run's, or what it holds does not fit; then nothing is changed.
        """
        # What is large is read into the memory that it is to have, for it may not fit into what there is twice.
        like = self.engine.begin() if checkpoint.index_of(path) else None
        arrays, meta = checkpoint.load(path, whole.rooms(like))
        checked(STATE, meta, path)
        checkpoint.check_owner(path, meta, self.tracks[0].run, [track.seed for track in self.tracks])
        for track, saved in zip(self.tracks, meta["tracks"], strict=True):
            track.records.fit(saved["records"])
        self._state, lost = self.engine.restore(whole.of_engine(arrays), meta["engine"], like)
        since = self._changes[meta.get("changes", 0) :]
        self._state = adapted(self.engine, self._state, self.recipe, since)
        self.iteration, self.seconds = meta["iteration"], meta["seconds"]
        self._begun = meta.get("begun", self.iteration)
        self._saved_at, self.saved = self.step, True
        whole.restore_tracks(self.tracks, arrays, meta["tracks"])
        for track in self.tracks:
            lost = [*lost, *reopen(track, since, self.recipe.steps > meta["steps"], self.step)]
        if self._begun < self.iteration:
            self._reports = [track.reported(self._begun * self._times.steps_per_iteration) for track in self.tracks]
        return lost

    def run(self, progress: Progress) -> None:
        """Train to the last step, a stopping rule, a signal or a callback's wish; then save.

        What was done before an exception is saved, too, unless it is a second signal that does not wait for that.

        Raises:
            Diverged: every seed's training came to numbers that are not finite.
        """
        self._watch = time.perf_counter()
        try:
            self._drive(progress)
        except Diverged:
            raise
        except BaseException as error:
            if not (isinstance(error, INTERRUPTIONS) and waiting()):
                self._rescue(progress)
            raise
        self._save_sound(progress)

    def standstill(self) -> str:
        """What to say where nothing can be learnt any more; empty before the first step."""
        going = self._active()
        still = [standing_still(self._recipes[each].agent, self.tracks[each].clock(self.total)) for each in going]
        return told(self.recipe.agent, self.step, self.recipe.steps) if still and all(still) else ""

    def end(self, numbers: Sequence[int], why: str) -> None:
        """End these seeds at a block's end, with the policies that they have now."""
        for number in numbers:
            self.tracks[number].keep_last(self.engine.params(self._state, number))
            self.tracks[number].over = why

    def narrow(self, engine: Engine, numbers: Sequence[int]) -> None:
        """Go on at a block's end with the tracks at these positions alone, which ``engine`` trains.

        What was recorded of the others has to be saved before.
        """
        arrays, meta = self.engine.save(self._state)
        self._state, _ = engine.restore({name: leaf[list(numbers)] for name, leaf in arrays.items()}, meta)
        self.engine, self.saved = engine, False
        self.tracks = [self.tracks[number] for number in numbers]
        self._recipes = [self._recipes[number] for number in numbers]

    @property
    def step(self) -> int:
        """Env steps done, over all lanes."""
        return self.iteration * self._times.steps_per_iteration

    @property
    def total(self) -> int:
        """Env steps that the run is to have, as seen from here: what schedules count shares of."""
        return total_at(self._stretches, self.step)

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        looked_at = self._begun == self.iteration and not self._unjudged()
        return looked_at and (self.step >= self.recipe.steps or not self._active())

    @property
    def _end(self) -> int:
        """The iteration at which the block ends; not behind this one, where other values would have it end earlier."""
        return max(self._times.end(self._begun), self.iteration)

    def _active(self) -> list[int]:
        """Positions of the seeds that go on."""
        return [number for number, track in enumerate(self.tracks) if not track.over]

    def _unjudged(self) -> list[int]:
        """Positions of the seeds that a callback stopped and whose last policy waits for its evaluation."""
        return [number for number, track in enumerate(self.tracks) if track.unjudged and self.recipe.evaluation.every]

    def _drive(self, progress: Progress) -> None:
        """All that is left to do, unless a signal comes."""
        while not self.finished:
            try:
                if waiting():
                    raise Halted
                self._go_on(progress)
            except Halted:
                progress.say(f"stopping: {waiting()} received, saving at step {self.step}")
                return

    def _go_on(self, progress: Progress) -> None:
        """The next thing to do: evaluate what was called off, train for a while, or look at a whole block."""
        if unjudged := self._unjudged():
            self._evaluated(self._play(), unjudged)
            self.saved = False
        elif self.iteration < (end := self._end) or self._reported_at < self.iteration:
            self._advance(min(end, self.iteration + self._pace.steps))
        else:
            self._look(progress)
        hold()

    def _advance(self, end: int) -> None:
        """Train up to this iteration, or to the one in which the environment raises an exception."""
        first, start = self.iteration, time.perf_counter()
        state, self._state = self._state, None  # which the engine consumes
        try:
            self._account(*self.engine.run(state, first, end, self.total, self._begun), end)
        except Broken as broken:
            self._account(broken.state, broken.reports, broken.iteration)
            raise broken.cause from None
        self._pace.took(end - first, time.perf_counter() - start)

    def _account(self, state: Any, reports: list[Report], iteration: int) -> None:
        """Take over what an engine has done."""
        self._state, self.iteration, self._reported_at, self.saved = state, iteration, iteration, False
        for number in self._active():
            self.tracks[number].ended(reports[number])
        before = self._reports
        self._reports = [joined(*pair) for pair in zip(before, reports, strict=True)] if before else reports

    def _look(self, progress: Progress) -> None:
        """Evaluate, record, check, judge, call back, checkpoint, show."""
        every = self.recipe.evaluation.every
        due = bool(every) and (self._times.crossed(self.iteration, every) or self.step >= self.recipe.steps)
        judged = self._active() if due else self._stopping()
        evaluations = self._play() if judged else None  # a signal comes before anything has changed
        played = [each.returns for each in evaluations or []]
        self._ceiling.look(self.step, [*(report.episodes.returns for report in self._reports), *played])
        measured = self._measured(evaluations, judged)
        reports, self._reports, self._begun, self.saved = self._reports, [], self.iteration, False
        for number in self._active():
            self.tracks[number].block(reports[number], measured[number])
            note_standstill(self.tracks[number], self._recipes[number], self.total, progress.say)
        leave_diverged(self.tracks, self._saved_at, self.recipe.env, progress.say)
        going = self._active()
        for number in going:
            its = evaluations[number].returns if evaluations and number in judged else None
            self.tracks[number].judge(self.recipe.stop, its)
        if evaluations:
            self._evaluated(evaluations, [number for number in going if number in judged])
        self._keep_last([number for number in going if self.tracks[number].over], progress)
        returns = [played.returns for played in evaluations] if evaluations else None
        block = Block(self.step, reports, returns, lambda number: self.engine.params(self._state, number), measured)
        self._call_back(block, progress)
        self._note_time()
        self._beside.looked(self)
        self._live.look(self.tracks)
        if self._times.crossed(self.iteration, self.recipe.checkpoint_every):
            self.save(progress)
        progress.update(done(self.step, self.tracks), means(self.tracks))

    def _measured(self, evaluations: list[Played] | None, judged: list[int]) -> list[dict[str, float]]:
        """Diagnostics of each seed, where they are due and anything was learnt, and of the evaluations made now."""
        every, found = int(self.recipe.diagnostics.every), [dict[str, float]() for _ in self.tracks]
        due = self._times.completes(self._begun, self.iteration, every)
        if every and due and any(report.updates for report in self._reports):
            gauged = self.engine.gauge(self._state, self.iteration, self.total)
            found = [own if report.updates else {} for own, report in zip(gauged, self._reports, strict=True)]
        for number in judged if every else []:
            outlook = evaluations[number].outlook if evaluations else None
            found[number] |= outlook.told() if outlook else {}
        return found

    def _call_back(self, block: Block, progress: Progress) -> None:
        """Tell of a block, and end the run where one that was told wishes so."""
        if called_off(self._callbacks, block, self.tracks):
            self._keep_last(self._active(), progress)
            for number in self._active():
                self.tracks[number].over = CALLED_OFF

    def _keep_last(self, numbers: list[int], progress: Progress) -> None:
        """Hold the newest policies of these seeds."""
        for number in numbers:
            self.tracks[number].keep_last(self.engine.params(self._state, number))
        leave_diverged(self.tracks, self._saved_at, self.recipe.env, progress.say)

    def _stopping(self) -> list[int]:
        """Positions of the seeds whose training returns end their run now, which an evaluation is to confirm."""
        if not self.recipe.evaluation.every:
            return []
        sound = [number for number in self._active() if not faults(self._reports[number])]
        return [number for number in sound if self.recipe.stop.reached(tuple(self.tracks[number].returns), None)]

    def _play(self) -> list[Played]:
        """Greedy episodes of every seed; they change nothing."""
        return self.engine.evaluate(self._state, int(self.recipe.evaluation.episodes), self.iteration)

    def _evaluated(self, evaluations: list[Played], numbers: list[int]) -> None:
        """Record the evaluations of these seeds."""
        for number in numbers:
            played, params = evaluations[number], self.engine.params(self._state, number)
            self.tracks[number].evaluated(played.returns, params, played.cut)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.seconds, self._watch = self.seconds + now - self._watch, now

    def _note_time(self) -> None:
        self._tick()
        for track in self.tracks:
            track.records.append("times", [{"step": self.step, "seconds": round(self.seconds, 4)}])

    def _rescue(self, progress: Progress) -> None:
        """Save what was done before an exception, if the engine still has it."""
        try:
            if self._state is not None:
                self._save_sound(progress)
        except Exception as problem:
            progress.say(f"what was done after step {self._saved_at or 0} could not be saved: {problem}")

    def _save_sound(self, progress: Progress) -> None:
        """Save, but not the part of a block that holds what is not finite: the rest of it would end in divergence."""
        partly = self._begun < self.iteration
        if wrong := [fault for number in self._active() if partly for fault in faults(self._reports[number])]:
            progress.say(f"not saved, since it is not finite: {', '.join(wrong)}")
        else:
            self.save(progress)

    def save(self, progress: Progress) -> None:
        """Bring policies and records to the disk, then a checkpoint of everything; keep the two latest."""
        if self.saved:
            return
        also = self._beside.saving()
        self._tick()
        self._keep_last(self._active(), progress)
        with ThreadPoolExecutor() as pool:  # many seeds would wait long for the disk, one after another
            list(pool.map(Track.save, self.tracks))
        progressed = {"iteration": self.iteration, "seconds": self.seconds, "steps": int(self.recipe.steps)}
        progressed |= {"begun": self._begun} if self._begun < self.iteration else {}
        progressed |= {"changes": len(self._changes)} if self._changes else {}
        arrays, meta = whole.gather(self.engine.save(self._state), self.tracks, {**progressed, **also})
        whole.keep(self.folder / CHECKPOINTS, self.step, arrays, meta)
        self._saved_at, self.saved = self.step, True
