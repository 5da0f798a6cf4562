"""Trackers by name: ours, and ``module:Class`` of a user's own."""

import importlib.util
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from argmaxq.components.errors import UserError, told
from argmaxq.components.modules import load, referred
from argmaxq.components.registry import near
from argmaxq.trackers.hub import HUB, fetched_from_hub
from argmaxq.trackers.tracker import Tracker

METHODS = ("open", "log", "media", "artifact", "close", "fetch")
Making = Callable[[], Tracker]


class Backend(NamedTuple):
    """One of ours: what has to be installed, and the class that uses it, of a module imported only then."""

    package: str
    module: str
    name: str


BACKENDS = {
    "wandb": Backend("wandb", "on_wandb", "WandB"),
    "tensorboard": Backend("tensorboardX", "on_tensorboard", "TensorBoard"),
    "mlflow": Backend("mlflow", "on_mlflow", "MLflow"),
    "trackio": Backend("trackio", "on_trackio", "Trackio"),
}


def making(name: str) -> Making:
    """What makes trackers of this name; a module of the user's own is imported.

    Raises:
        UserError: there is none, it is not installed, or what it names is no tracker.
    """
    if name in BACKENDS:
        _check_installed(name)
        backend = BACKENDS[name]
        made: Making = getattr(import_module(f"argmaxq.trackers.{backend.module}"), backend.name)
        return made
    reference = referred(name)
    if reference is None:
        raise UserError(f"there is no tracker {name!r}: {near(name, BACKENDS)}; one of your own is module:Class")
    return checked(load(reference), name)


def checked(made: Making, name: str) -> Making:
    """What makes trackers, if it is a class that has a tracker's methods; raises UserError."""
    if missing := [method for method in METHODS if not callable(getattr(made, method, None))]:
        raise UserError(f"{name} is no tracker's class: it has no method {missing[0]}; needed are {', '.join(METHODS)}")
    return made


def fetched(reference: str) -> Path | None:
    """The folder that ``wandb:entity/project/name:best`` or ``hf:owner/name`` stands for; None for anything else.

    What is downloaded is data, and nothing of it is run. A folder of such a name comes first.

    Raises:
        UserError: it is not installed, or cannot be had.
    """
    service, colon, name = reference.partition(":")
    if not colon or service not in (HUB, *BACKENDS) or Path(reference).exists():
        return None
    if not name:
        raise UserError(f"{reference}: of which name? It is written {service}:NAME")
    if service == HUB:
        return fetched_from_hub(name)
    tracker = making(service)()
    try:
        return tracker.fetch(name)
    except UserError:
        raise
    except Exception as fault:
        raise UserError(f"{reference} cannot be had: {told(fault)}") from fault


def _check_installed(name: str) -> None:
    package = BACKENDS[name].package
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:  # such as a folder that merely has this name
        raise UserError(f"{name} is not installed: pip install 'argmaxq[{name}]'")
