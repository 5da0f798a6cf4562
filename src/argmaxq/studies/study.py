"""The verb ``study``: a grid of settings times seeds, trained side by side."""

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Literal

from argmaxq.components.errors import UserError
from argmaxq.recipes.recipe import Recipe
from argmaxq.reporting.inline import table as html_table
from argmaxq.reporting.text import counted
from argmaxq.studies import table
from argmaxq.studies.executors import Making, chosen
from argmaxq.studies.folder import opened
from argmaxq.studies.going import go, importing
from argmaxq.studies.labels import labels
from argmaxq.studies.making import layout_of, planning, settings_of
from argmaxq.studies.plan import Member
from argmaxq.studies.table import last_evaluations
from argmaxq.training.engines.choose import EngineName
from argmaxq.verbs.run import Run
from argmaxq.verbs.train import seed_numbers


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
        many = f"{counted(len(self.settings), 'setting')}, {counted(len(self.seeds), 'seed')}"
        return f"<Study {str(self.path)!r}: {many}>"

    def _repr_html_(self) -> str:
        """What a notebook shows of it: each setting's last evaluations, mean and range over the seeds."""
        found, told = self.table(), list(self.folders())
        rows = [[label, *last_evaluations(found, number)] for number, label in enumerate(told)]
        head = ["setting", "seeds evaluated", "step", "last evaluation", "least to greatest"]
        return f"<pre>{escape(repr(self))}</pre>{html_table(head, rows)}"

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of every setting."""
        return self._layout.seeds

    @property
    def settings(self) -> list[dict[str, str]]:
        """Each setting's recipe and varied values, by path, as they are told."""
        return [{"recipe": each["recipe"], **each["values"]} for each in self._layout.data["settings"]]

    @property
    def vary(self) -> dict[str, list[str]]:
        """The varied values by path, as they are told."""
        return {path: list(values) for path, values in self._layout.data["vary"].items()}

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return all(self._layout.done(number) for number in range(len(self._layout.groups)))

    def imports(self) -> bool:
        """Whether training its runs imports a module that they name; raises UserError where that may not be."""
        return bool(importing(self._layout, self._trusted))

    def folders(self) -> dict[str, list[Path]]:
        """Where each setting's runs are or will be, one for each seed, by the setting's varied values in words."""
        named = enumerate(labels(self._layout.data["settings"]))
        return {label: [self._layout.member(Member(number, seed)) for seed in self.seeds] for number, label in named}

    def runs(self) -> dict[str, list[Run]]:
        """The runs of each setting, one for each seed, by its varied values in words; raises UserError if damaged."""
        return {label: [Run(each, trust=self._trusted) for each in own] for label, own in self.folders().items()}

    def run(self, setting: int, seed: int) -> Run:
        """The run of a setting, by its number from 0 on, and a seed.

        Raises:
            UserError: there is none.
        """
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

    Examples:
        >>> found = aq.study("cliff/q", vary={"agent.gamma": (0.9, 1.0)}, steps=500, out="runs/gamma")
        >>> [setting["agent.gamma"] for setting in found.settings]
        ['0.9', '1.0']
        >>> sorted(set(found.table()["seed"].tolist()))
        [0]
    """
    listed = [recipes] if isinstance(recipes, str | Recipe) else list(recipes)
    varied = {path.replace("-", "_"): tuple(each) for path, each in (vary or {}).items()}
    given = [*({} if steps is None else {"steps": steps}).items(), *(values or {}).items()]
    numbers = seed_numbers(seed, seeds)
    with planning(device):
        layout = layout_of(settings_of(listed, varied, given), list(varied), numbers, engine, out, device)
    go(layout, quiet, executor or chosen(ray, slurm))
    return Study(layout.path)


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
    go(opened(path), quiet, executor or chosen(ray, slurm), trust)
    return Study(path, trust)
