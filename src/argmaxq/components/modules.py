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
        UserError: there is no such module or name in it, or it cannot be imported; one line says where and why.
    """
    module, name = reference
    here = _imported(reference)
    for part in name.split("."):
        if not hasattr(here, part):
            own = [each for each, item in vars(here).items() if isinstance(item, type) and is_registered(item)]
            raise UserError(f"the module {module} has no {name}: {near(name, own or vars(here))}")
        here = getattr(here, part)
    return here


def _imported(reference: Reference) -> Any:
    module, name = reference
    try:
        return importlib.import_module(module)
    except UserError as fault:
        raise UserError(f"the module {module}: {fault}") from None
    except Exception as fault:
        if isinstance(fault, ModuleNotFoundError) and str(fault.name) in _parents(module):
            raise UserError(
                f"there is no module {fault.name} for {module}:{name}: start where it lies, or add that folder to "
                "PYTHONPATH"
            ) from None
        raise UserError(f"the module {module} cannot be imported: {told(fault)} ({_place(fault)})") from fault


def _parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _place(fault: BaseException) -> str:
    """Where it happened."""
    if isinstance(fault, SyntaxError):
        return f"{fault.filename}, line {fault.lineno}"
    last = traceback.extract_tb(fault.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}"
