"""Training one group of a study: from its latest checkpoint, or from the beginning, to its end."""

import math
import time
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from argmaxq.devices import using
from argmaxq.interrupts import noting, obey
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import checkpoint
from argmaxq.runs.files.writing import own_folder
from argmaxq.runs.folder import SUMMARY, write_json
from argmaxq.runs.formats import STATE, checked
from argmaxq.runs.lock import locked
from argmaxq.runs.summary import summarise
from argmaxq.runs.track import CHECKPOINTS, PRUNED, Track
from argmaxq.studies.attempts import begun
from argmaxq.studies.folder import DONE, PROGRESS, SAID, Layout
from argmaxq.studies.plan import Group
from argmaxq.studies.pruning import Standing, beaten
from argmaxq.training.block import Beside, Diverged
from argmaxq.training.engines.choose import make_engine, make_members, own_numbers
from argmaxq.training.engines.compiled import CompiledEngine
from argmaxq.training.engines.engine import Engine
from argmaxq.training.loop import Loop
from argmaxq.training.progress import Silent

PAYS = 10.0
"""Seconds that a narrower program has to save: making it takes some."""
TOLD = 0.5
"""Seconds between two notes of how far a group is."""


class Made(NamedTuple):
    """The engine made last, and of which family; its programs serve the family's next group of as many members."""

    family: int
    engine: CompiledEngine


class Engines:
    """Engines for one group after another of a study."""

    def __init__(self) -> None:
        self._made: Made | None = None

    def make(self, group: Group, recipes: list[Recipe], seeds: tuple[int, ...]) -> Engine:
        """An engine for members with these recipes and seeds.

        Raises:
            UserError: as ``make_engine``.
        """
        if group.engine == "host":
            return make_engine("host", recipes[0], seeds)
        made = self._made
        if made and made.family == group.family and len(made.engine.seeds) == len(seeds):
            engine = made.engine.again(seeds, own_numbers(made.engine.spaces, recipes, group.swept))
        else:
            engine = make_members(recipes, seeds, group.swept)
        self._made = Made(group.family, engine)
        return engine


def train(layout: Layout, number: int, engines: Engines) -> None:
    """Train a group to its end; it is resumed where it has begun.

    Raises:
        UserError: it cannot be trained, or another process is about to.
        Superseded: another attempt has begun meanwhile.
        Terminated: SIGTERM, after what was done is saved.
    """
    group, folder = layout.groups[number], own_folder(layout.group(number))
    many = 2 if group.engine == "compiled" else 1
    with using(layout.data["device_asked"], many, group.heavy), noting(), locked(folder):
        if not layout.done(number):
            _Driver(layout, group, folder, engines).drive()
            obey()


class _Driver:
    """One group's training: its tracks, the loop that has them, and what is written beside."""

    def __init__(self, layout: Layout, group: Group, folder: Path, engines: Engines) -> None:
        self._group, self._folder, self._engines = group, folder, engines
        self._newest, self._rungs = begun(folder), layout.data.get("rungs", [])
        runs = [layout.run(member) for member in group.members]
        self._recipes = [group.pinned(run.recipe) for run in runs]
        self._tracks = [
            Track(run.path, run.seeds[0], run.config["id"], int(recipe.evaluation.keep))
            for run, recipe in zip(runs, self._recipes, strict=True)
        ]
        self._going = list(range(len(runs)))
        self._told_at, self._clock = 0.0, (time.perf_counter(), 0)
        self._last = 0.0

    def drive(self) -> None:
        """Train to the end, unless a signal comes."""
        said = _Saying(self._folder / SAID)
        latest = checkpoint.latest(self._folder / CHECKPOINTS, said.say)
        if latest is not None:
            self._going = list(checked(STATE, checkpoint.verify(latest), latest)["members"])
        recipes, tracks = (
            [self._recipes[place] for place in self._going],
            [self._tracks[place] for place in self._going],
        )
        seeds = tuple(track.seed for track in tracks)
        with closing(self._engines.make(self._group, recipes, seeds)) as engine:
            beside = Beside(self._saving, self._looked)
            loop = Loop(recipes[0], engine, self._folder, tracks, recipes=recipes, beside=beside)
            if latest is None:
                loop.begin()
            else:
                with checkpoint.restoring(latest):
                    for line in loop.restore(latest):
                        said.say(line)
            self._clock = time.perf_counter(), loop.iteration
            try:
                loop.run(said)
            except Diverged as fault:
                said.say(str(fault))
                self._end(loop)
            else:
                if loop.finished and loop.saved:
                    self._end(loop)

    def _saving(self) -> dict[str, Any]:
        """What a checkpoint says of who is in it; raises Superseded."""
        self._newest()
        return {"members": self._going}

    def _looked(self, loop: Loop) -> None:
        """Note how far the group is, and go on with fewer where that pays."""
        now = time.perf_counter()
        self._last = (now - self._clock[0]) / max(loop.iteration - self._clock[1], 1)
        self._clock = now, loop.iteration
        if now - self._told_at >= TOLD:
            self._told_at = now
            write_json(self._folder / PROGRESS, self._progress())
        rungs = sum(loop.step >= share * loop.recipe.steps for share in self._rungs)
        loop.end(beaten(self._standing(loop), self._group.settings, rungs), PRUNED)
        keep = [place for place, track in enumerate(loop.tracks) if not track.over]
        if narrower(len(loop.tracks), len(keep), self._seconds_left(loop)):
            self._narrow(loop, keep)

    def _standing(self, loop: Loop) -> list[Standing]:
        """How the members stand that go on."""
        members = [self._group.members[number] for number in self._going]
        return [
            Standing(place, member.setting, -math.inf if track.evaluation is None else track.evaluation)
            for place, (member, track) in enumerate(zip(members, loop.tracks, strict=True))
            if not track.over
        ]

    def _seconds_left(self, loop: Loop) -> float:
        left = (loop.recipe.steps - loop.step) / max(loop.step, 1) * loop.iteration
        return float(left * self._last)

    def _narrow(self, loop: Loop, keep: list[int]) -> None:
        """Have the others end here, and those at these positions go on in a program of their own."""
        self._newest()
        for track in [track for place, track in enumerate(loop.tracks) if place not in keep]:
            self._close(track, loop)
        self._going = [self._going[place] for place in keep]
        recipes = [self._recipes[number] for number in self._going]
        engine = self._engines.make(self._group, recipes, tuple(loop.tracks[place].seed for place in keep))
        loop.narrow(engine, keep)

    def _progress(self) -> dict[str, Any]:
        """Env steps that are done, or that nobody has to do any more, over all members; and returns."""
        steps = [int(recipe.steps) for recipe in self._recipes]
        ended = [place not in self._going or bool(track.over) for place, track in enumerate(self._tracks)]
        done = [
            total if over else min(track.step, total)
            for total, over, track in zip(steps, ended, self._tracks, strict=True)
        ]
        returns = [track.mean_return for track in self._tracks if track.returns]
        return {"done": sum(done)} | ({"return": float(np.mean(returns))} if returns else {})

    def _end(self, loop: Loop) -> None:
        """Nothing is left to do: say so of every member, then of the group."""
        for track in loop.tracks:
            self._close(track, loop)
        write_json(self._folder / DONE, {"seconds": round(loop.seconds, 3)})

    def _close(self, track: Track, loop: Loop) -> None:
        track.save()
        summary = summarise([track], loop.recipe.steps, loop.seconds, track.step, finished=True)
        write_json(track.folder / SUMMARY, summary)


def narrower(width: int, going: int, seconds_left: float) -> bool:
    """Whether a program of ``width`` members, of which some go on, is worth replacing by one of those alone."""
    return width > 4 and 0 < going <= width // 2 and seconds_left * (1 - going / width) > PAYS


class _Saying(Silent):
    """Keeps what is said in a file, for who watches the study."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def say(self, text: str) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")
