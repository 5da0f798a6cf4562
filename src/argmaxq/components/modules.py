"""A user's own modules: what ``module:Name`` says, and what it names."""

import importlib
import re
import traceback
from collections.abc import Iterator
from typing import Any, NamedTuple

from argmaxq.components.errors import UserError, told
from argmaxq.components.registry import is_registered, near

PATTERN = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^:]+)")


class Reference(NamedTuple):
    """A module and a name in it."""

    module: str
    name: str


def referred(text: Any) -> Reference | None:
    """What text written ``module:Name`` refers to; None for anything else."""
    match = PATTERN.fullmatch(text) if isinstance(text, str) else None
    return match and Reference(match["module"], match["name"])


def load(reference: Reference) -> Any:
    """The class, or whatever else, that a module has under a name; the module is imported.

    Raises:
        UserError: as ``imported``, and where the module has no such name.
    """
    module, name = reference
    here = imported(reference)
    for part in name.split("."):
        if not hasattr(here, part):
            own = [each for each, item in vars(here).items() if isinstance(item, type) and is_registered(item)]
            raise UserError(f"the module {module} has no {name}: {near(name, own) if own else 'it holds no component'}")
        here = getattr(here, part)
    return here


def imported(reference: Reference) -> Any:
    """The module of a reference.

    Raises:
        UserError: there is none, or it cannot be imported; one line says where and why.
    """
    module, name = reference
    try:
        return importlib.import_module(module)
    except UserError as fault:
        raise UserError(f"the module {module}: {fault}") from None
    except (Exception, SystemExit) as fault:
        if isinstance(fault, ModuleNotFoundError) and str(fault.name) in _parents(module):
            raise UserError(
                f"there is no module {fault.name} for {module}:{name}: install it, or, if it is your own, start where "
                "it lies or add that folder to PYTHONPATH"
            ) from None
        place = "" if isinstance(fault, SyntaxError) else f" ({_place(fault)})"  # which says so itself
        raise UserError(f"the module {module} cannot be imported: {told(fault)}{place}") from fault


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _place(fault: BaseException) -> str:
    """Where it happened."""
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}"
