"""Training what is missing of a study, and making its table."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from argmaxq.components.errors import UserError
from argmaxq.interrupts import hold, noting, obey, waiting
from argmaxq.reporting.text import counted
from argmaxq.runs import trust
from argmaxq.runs.lock import locked
from argmaxq.studies import table
from argmaxq.studies.executors import Executor, Making
from argmaxq.studies.folder import SETTINGS, TABLE, Layout
from argmaxq.studies.plan import Group, Member
from argmaxq.studies.watching import Watching
from argmaxq.training.progress import progress
from argmaxq.verbs.run import Run

LOOKS = 0.3
"""Seconds between two looks at how far a study is."""


def go(layout: Layout, quiet: bool, making: Making, trusted: bool = False, whole: Path | None = None) -> None:
    """Train what is missing, and make the table; ``whole`` is what goes on with it, by default the study itself."""
    resumed = f"argmaxq resume {whole or layout.path}"
    say = print if not quiet else lambda text: None
    groups = layout.groups
    todo = {number: group for number, group in enumerate(groups) if not layout.done(number)}
    faults: dict[int, str] = {}
    with noting(), locked(layout.path):
        say(_opening(layout))
        hold()
        if todo:
            with _closing(making(layout, todo, _variables(layout, trusted))) as made:
                _train(layout, todo, made, quiet, faults)
        layout.summarise()
        table.write(layout)
        say(_outcome(layout, resumed))
        obey(f"{resumed} goes on from there")
    if faults:
        number, fault = next(iter(faults.items()))
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(f"group {number:03d}{more}: {fault}; {resumed} tries again")


@contextmanager
def _closing(executor: Executor) -> Iterator[Executor]:
    try:
        yield executor
    finally:
        executor.close()


def _train(layout: Layout, todo: Mapping[int, Group], executor: Executor, quiet: bool, faults: dict[int, str]) -> None:
    """Have all groups trained, or what was done saved where a signal comes."""
    watching = Watching(layout, _steps(layout))
    for number in todo:
        executor.submit(number)
    left = set(todo)
    with progress(watching.total, quiet, start=watching.done) as display:
        while left:
            if waiting():
                display.say(f"stopping: {waiting()} received, saving")
                executor.stop()
                return
            for number, fault in executor.wait(LOOKS):
                left.discard(number)
                if fault:
                    faults[number] = fault
                    display.say(f"group {number:03d} failed: {fault}")
                else:
                    watching.ended(number)
            watching.show(display)


def _steps(layout: Layout) -> dict[int, int]:
    """Env steps of all members of each group."""
    known: dict[int, int] = {}
    for group in layout.groups:
        for member in group.members:
            if member.setting not in known:
                known[member.setting] = int(layout.run(member).config["recipe"]["steps"])
    return {
        number: sum(known[member.setting] for member in group.members) for number, group in enumerate(layout.groups)
    }


def _variables(layout: Layout, trusted: bool) -> dict[str, str]:
    """Environment variables with which processes elsewhere trust what may be imported here; raises UserError."""
    names: set[str] = set()
    for run in importing(layout, trusted):
        names.update(trust.for_workers(run.config)[trust.TRUST].split())
    return {trust.TRUST: " ".join(sorted(names))} if names else {}


def importing(layout: Layout, trusted: bool) -> list[Run]:
    """A run of each setting that has a module imported; raises UserError where it may not."""
    runs = [layout.run(Member(number, layout.seeds[0]), trusted) for number in range(len(layout.data["settings"]))]
    return [run for run in runs if run.imports()]


def _opening(layout: Layout) -> str:
    data = layout.data
    many = f"{counted(len(data['settings']), 'setting')} x {counted(len(layout.seeds), 'seed')}"
    programs = len({group.family for group in layout.groups})
    groups = f"{counted(len(layout.groups), 'group')} of {counted(programs, 'program')}"
    return f"study of {', '.join(data['recipes'])}: {many}, {groups}, in {layout.path}"


def _outcome(layout: Layout, resumed: str) -> str:
    done = sum(layout.done(number) for number in range(len(layout.groups)))
    if done < len(layout.groups):
        return f"  {done} of {counted(len(layout.groups), 'group')} done; {resumed} goes on"
    runs = f"{counted(len(layout.data['settings']) * len(layout.seeds), 'run')} below {layout.path / SETTINGS}"
    return f"  runs       {runs}\n  table      {layout.path / TABLE}"
