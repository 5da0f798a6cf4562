"""The verb ``study``: a grid of settings times seeds, trained side by side."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from argmaxq.components.checks import validate
from argmaxq.components.errors import UserError
from argmaxq.components.serialisation import OWN, to_json
from argmaxq.devices import using
from argmaxq.environments.source import compiled
from argmaxq.interrupts import hold, noting, obey, waiting
from argmaxq.recipes import Given, choose
from argmaxq.recipes.recipe import Recipe
from argmaxq.runs import trust
from argmaxq.runs.lock import locked
from argmaxq.runs.spaces import written as spaces_written
from argmaxq.studies import table
from argmaxq.studies.executors import Executor, Making, chosen
from argmaxq.studies.folder import SETTINGS, TABLE, Layout, make, opened
from argmaxq.studies.plan import LARGEST, Group, Member, Setting, grid, grouped
from argmaxq.studies.watching import Watching
from argmaxq.training.engines.choose import EngineName, engine_kind, members_that_fit
from argmaxq.training.evaluation import Evaluator
from argmaxq.training.feasibility import refuse_infeasible
from argmaxq.training.progress import progress
from argmaxq.verbs.run import Run
from argmaxq.verbs.train import seed_numbers

LOOKS = 0.3
"""Seconds between two looks at how far a study is."""


class Study:
    """A study's folder, as a user has it.

    Args:
        path: The folder.
        trust: Whether modules that its runs name may be imported, wherever the folder comes from.

    Attributes:
        path: The folder.

    Raises:
        UserError: it is no study's, or damaged.
    """

    def __init__(self, path: str | Path, trust: bool = False) -> None:
        self._layout, self._trusted = opened(path), trust
        self.path = self._layout.path

    def __repr__(self) -> str:
        return f"<Study {str(self.path)!r}: {len(self.settings)} settings, {len(self.seeds)} seeds>"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every setting."""
        return self._layout.seeds

    @property
    def settings(self) -> list[dict[str, str]]:
        """Each setting's recipe and varied values, by path, as they are told."""
        return [{"recipe": each["recipe"], **each["values"]} for each in self._layout.data["settings"]]

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return all(self._layout.done(number) for number in range(len(self._layout.groups)))

    def run(self, setting: int, seed: int) -> Run:
        """The run of a setting, by its number from 0 on, and a seed; raises UserError where there is none."""
        if not 0 <= setting < len(self.settings) or seed not in self.seeds:
            raise UserError(f"{self.path} has no setting {setting} with seed {seed}")
        return self._layout.run(Member(setting, seed), self._trusted)

    def table(self, kind: Literal["numpy", "pandas"] = "numpy") -> Any:
        """A row for each setting, seed and evaluation so far: a dict of NumPy columns, or a data frame of pandas.

        Raises:
            UserError: pandas is not installed, or a record is damaged.
        """
        if kind not in ("numpy", "pandas"):
            raise UserError(f"table {kind!r}: it is numpy or pandas")
        return table.frame(self._layout) if kind == "pandas" else table.table(self._layout)


def study(
    recipes: str | Recipe | Sequence[str | Recipe],
    vary: Mapping[str, Sequence[Any]] | None = None,
    *,
    values: Mapping[str, Any] | None = None,
    engine: EngineName = "auto",
    seed: int = 0,
    seeds: int | Sequence[int] = 1,
    steps: int | None = None,
    out: str | Path | None = None,
    device: str | None = None,
    quiet: bool = True,
    ray: str | None = None,
    slurm: str | None = None,
    executor: Making | None = None,
) -> Study:
    """Train every combination of varied values, for each recipe and seed, and return the study.

    Settings that differ in numbers which do not shape the program train side by side in it. Each run has the numbers
    of ``train`` with several seeds and its setting, bit for bit, whatever it is trained with.

    Args:
        recipes: Names or values of recipes, one or several.
        vary: Values by path, such as ``{"agent.replay.capacity": (1_000, 10_000)}``; a value may be a component's name.
        values: Other values of all settings, by path.
        engine: As ``train`` has it.
        seed: The first seed.
        seeds: How many seeds of each setting, or the seeds themselves.
        steps: Env steps of each run; the recipe's own number by default.
        out: The study's folder, which must not exist; by default a new one below ``runs``.
        device: As ``train`` has it.
        quiet: Show no progress.
        ray: Train on the Ray cluster at this address, ``local`` for one that is started here.
        slurm: Train by Slurm: ``slurm``, or ``local`` to try it without.
        executor: What trains the groups instead; see ``studies.executors``.

    Raises:
        UserError: one line, for anything a user can mend, or if a group could not be trained; the others are whole.
        KeyboardInterrupt: Ctrl-C, after what was done is saved.
        Terminated: SIGTERM, likewise.
    """
    listed = [recipes] if isinstance(recipes, str | Recipe) else list(recipes)
    varied = {path.replace("-", "_"): tuple(each) for path, each in (vary or {}).items()}
    given = [*({} if steps is None else {"steps": steps}).items(), *(values or {}).items()]
    numbers = seed_numbers(seed, seeds)
    with using(device, 2), noting():
        settings = _settings(listed, varied, given)
        if len(settings) * len(numbers) > LARGEST:
            raise UserError(f"{len(settings)} settings with {len(numbers)} seeds: at most {LARGEST:,} runs in a study")
        groups = grouped(settings, numbers, lambda recipe: engine_kind(recipe.env, engine), members_that_fit)
        spaces = _spaces(settings, groups)
        layout = make(out, settings, varied, numbers, groups, spaces, device)
    return _go(layout, quiet, executor or chosen(ray, slurm))


def resume(
    path: str | Path,
    *,
    trust: bool = False,
    quiet: bool = True,
    ray: str | None = None,
    slurm: str | None = None,
    executor: Making | None = None,
) -> Study:
    """Go on with a study: what is missing is trained, and what is there stays. Raises what ``study`` raises."""
    return _go(opened(path), quiet, executor or chosen(ray, slurm), trust)


def _settings(recipes: Sequence[str | Recipe], vary: Mapping[str, Sequence[Any]], given: Given) -> list[Setting]:
    """The grid; raises UserError."""
    named: dict[str, str | Recipe] = {}
    for recipe in recipes:
        name = recipe if isinstance(recipe, str) else "own" if "own" not in named else f"own-{len(named) + 1}"
        named[name] = recipe

    def made(name: str, cell: Sequence[tuple[str, Any]]) -> Recipe:
        recipe = validate(choose(named[name], [*given, *cell]).recipe)
        if own := _own(to_json(recipe)):
            raise UserError(
                f"{own} is an object of your own, which no other process can be given: put it into a module, and name "
                "it module:Name"
            )
        return recipe

    return grid(list(named), vary, made)


def _own(data: Any, path: str = "") -> str:
    """Where JSON data hold an object of the user's own, if anywhere."""
    if not isinstance(data, dict):
        return ""
    if data.keys() == {OWN}:
        return path
    below = (_own(value, f"{path}.{name}" if path else name) for name, value in data.items())
    return next(filter(None, below), "")


def _spaces(settings: Sequence[Setting], groups: Sequence[Group]) -> list[dict[str, Any]]:
    """What each setting's configuration holds of its environment's spaces; raises UserError where none can train."""
    engines = {member.setting: group.engine for group in groups for member in group.members}
    known: list[tuple[Any, dict[str, Any]]] = []
    found = []
    for number, setting in enumerate(settings):
        env = setting.recipe.env
        own = next((spaces for other, spaces in known if other == (engines[number], env)), None)
        if own is None:
            own = _of_environment(setting.recipe, engines[number])
            known.append(((engines[number], env), own))
        found.append(own)
    return found


def _of_environment(recipe: Recipe, engine: str) -> dict[str, Any]:
    functional = compiled(recipe.env) if engine == "compiled" else None
    if functional is not None:
        return spaces_written(functional.env.observation_space, functional.env.action_space)
    evaluator = Evaluator(recipe.env)
    try:
        refuse_infeasible(recipe, evaluator.spaces)
        return spaces_written(*evaluator.adaptor.source[:2])
    finally:
        evaluator.close()


def _go(layout: Layout, quiet: bool, making: Making, trusted: bool = False) -> Study:
    """Train what is missing, and make the table."""
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
        say(_outcome(layout))
        obey(f"argmaxq resume {layout.path} goes on from there")
    if faults:
        number, fault = next(iter(faults.items()))
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise UserError(f"group {number:03d}{more}: {fault}; argmaxq resume {layout.path} tries again")
    return Study(layout.path, trusted)


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
    for number in range(len(layout.data["settings"])):
        run = layout.run(Member(number, layout.seeds[0]), trusted)
        if run.imports():
            names.update(trust.for_workers(run.config)[trust.TRUST].split())
    return {trust.TRUST: " ".join(sorted(names))} if names else {}


def _opening(layout: Layout) -> str:
    data = layout.data
    many = f"{len(data['settings'])} settings x {len(layout.seeds)} seeds"
    programs = len({group.family for group in layout.groups})
    groups = f"{len(layout.groups)} groups of {programs} program{'s' * (programs > 1)}"
    return f"study of {', '.join(data['recipes'])}: {many}, {groups}, in {layout.path}"


def _outcome(layout: Layout) -> str:
    done = sum(layout.done(number) for number in range(len(layout.groups)))
    if done < len(layout.groups):
        return f"  {done} of {len(layout.groups)} groups are done; argmaxq resume {layout.path} goes on"
    runs = f"{len(layout.data['settings']) * len(layout.seeds)} runs below {layout.path / SETTINGS}"
    return f"  runs       {runs}\n  table      {layout.path / TABLE}"
