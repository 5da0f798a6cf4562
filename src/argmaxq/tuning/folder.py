"""What lies in a tuning's folder, and what ``tuning.json`` has imported: the same rule of trust as for runs."""

import os
import re
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.components.modules import referred
from argmaxq.runs import trust
from argmaxq.runs.files.reading import read_json
from argmaxq.runs.files.shapes import each, entries, fields, number, table, text, truth, whole
from argmaxq.runs.formats import COUNT, IDENTITY, PROOF, checked
from argmaxq.studies.folder import is_study

TUNING, ROUNDS, FINAL, REPORT, BEST = "tuning.json", "rounds", "final", "report", "best.json"
RANGE = fields({"low": number, "high": number, "log": truth, "whole": truth, "choices": each(text)})
FORMAT = fields(
    {
        "name": text,
        "recipe": fields({"type": text, "env": table}),
        "over": entries(RANGE),
        "trials": whole(1),
        "seeds": whole(1),
        "reported": COUNT,
        "engine": text,
    },
    {"id": IDENTITY, "proof": PROOF},
)
"""The shape of ``tuning.json``; see ``runs.trust`` for ``proof``."""


def is_tuning(path: str | Path) -> bool:
    """Whether a folder is a tuning's."""
    return os.path.isfile(Path(path) / TUNING)


def read(path: Path) -> dict[str, Any]:
    """What ``tuning.json`` holds; raises UserError where it is damaged."""
    return dict(checked(FORMAT, read_json(path / TUNING), path / TUNING))


def signed(data: dict[str, Any]) -> dict[str, Any]:
    """The same data with an identity and, where they name a module, the proof that they were made here."""
    data = data | {"id": uuid.uuid4().hex}
    return data | {name: value for name, value in trust.signed(_vouched(data)).items() if name == "proof"}


def imports(path: str | Path, trusted: bool = False) -> list[str]:
    """What a tuning has imported, ``module:Name``, of its recipe and of its choices; raises UserError if it may not."""
    return trust.check(_vouched(read(Path(path))), Path(path), trusted)


def report(path: Path) -> Path:
    """The study that sets a tuning's best values beside the recipe.

    Raises:
        UserError: it has none.
    """
    if is_study(path / REPORT):
        return path / REPORT
    if (path / BEST).is_file():
        raise UserError(f"{path} is a tuning in which no trial beat the recipe's own values: it has no {REPORT}")
    raise UserError(f"{path} is a tuning that has no {REPORT} yet: argmaxq resume {path} goes on with it")


def _vouched(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data as a run's configuration, whose recipe holds what may be chosen, for the rule of trust to look at."""
    recipe, over = data["recipe"], data["over"]
    named = [name for own in over.values() for choice in own["choices"] for name in _referred(choice)]
    if isinstance(recipe["env"].get("id"), str):
        named += _referred(recipe["env"]["id"])
    chosen = [{"type": f"choice/{name}"} for name in named]
    return {**data, "recipe": {**recipe, "env": {"id": "", **recipe["env"], "over": over}, "over": chosen}}


def _referred(choice: str) -> list[str]:
    """What a choice refers to as ``module:Name``, as a whole or as one of several values."""
    return [word for word in dict.fromkeys([choice, *re.findall(r"[^\s,()\[\]]+", choice)]) if referred(word)]
