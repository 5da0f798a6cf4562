"""What users see of the library, and what docstrings have to say of it."""

import ast
import dataclasses
import functools
import importlib
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from typing import Any, NamedTuple

from flax import linen as nn

import argmaxq as aq
from argmaxq.components.paths import documentation

BESIDE = (
    "argmaxq.environments.check",
    "argmaxq.environments.discretise",
    "argmaxq.exact",
    "argmaxq.learning.batches",
    "argmaxq.learning.experience",
    "argmaxq.replay.ring",
    "argmaxq.replay.sum_tree",
    "argmaxq.roles",
    "argmaxq.spaces",
    "argmaxq.studies.executors",
    "argmaxq.trackers.tracker",
    "argmaxq.tracking.track",
    "argmaxq.training.block",
    "argmaxq.tuning.tune",
    "argmaxq.types",
    "argmaxq.verbs.policy",
    "argmaxq.verbs.run",
    "argmaxq.verbs.tracking",
    "argmaxq.verbs.train",
    "argmaxq.visualisation.inline",
)
"""Public modules that ``aq`` does not name, beside those that it does."""
ARRAYS = re.compile(r"\b(Array|ndarray|NDArray|ArrayLike|Row|Transition|Batch|Estimates?)\b")
NO_SHAPE = re.compile(r"^(key|keys|self|cls)$")
"""Arguments that are arrays, but no user's: a key of JAX's is handed on as it is."""
BRACKETS = re.compile(r"\[([^\[\]]*)\]")
ENTRY = re.compile(r"\.\.\.|\*?[A-Za-z_][\w.]*( *[-+*x/] *[\w.]+)*|\d+( *[-+*x/] *[\w.]+)*")
UNITS = {
    r"seconds": r"second",
    r"(env_)?steps|steps_.*|.*_steps": r"step",
    r"duration|period|every|.*_every": r"step|update|episode|evaluation|share",
    r"episodes": r"episode",
    r"capacity|allocation|rollout|burn_in|stride": r"row",
    r"learning_starts": r"env step",
    r"batch_size": r"update",
    r".*_degrees": r"degree",
}
"""What the documentation of something with such a name says, too."""


class Named(NamedTuple):
    """Something public: how a user writes it, what it is, and the docstrings that hold for it."""

    name: str
    item: Any
    docstring: str

    @property
    def node(self) -> ast.FunctionDef | None:
        """Its source, of functions and methods."""
        return _node(_function(self.item)) if _function(self.item) else None


def shapes(text: str) -> list[str]:
    """What stands in square brackets and is a shape: [actions], [], [..., 2]; an interval such as [0, 1] is none."""
    found = []
    for inside in BRACKETS.findall(text):
        entries = [entry.strip() for entry in inside.split(",")] if inside else []
        interval = len(entries) == 2 and re.fullmatch(r"-?[01](\.\d+)?", entries[0])
        if not interval and all(ENTRY.fullmatch(entry) for entry in entries):
            found.append(inside)
    return found


def public() -> Iterator[Named]:
    """All that a user sees, each once."""
    seen = set()
    for each in _all():
        if each.name not in seen:
            seen.add(each.name)
            yield each


def undocumented(each: Named) -> str:
    """What is wrong with having no docstring, empty if nothing is."""
    return "" if each.docstring.strip() else "no docstring"


def without_shape(each: Named) -> str:
    """Arrays that come or go while the docstring names no shape."""
    if each.node is None or not (arrays := _arrays(each.node)):
        return ""
    return "" if shapes(each.docstring) else f"no shape, but arrays: {', '.join(arrays)}"


def without_units(each: Named) -> str:
    """Fields and arguments that count something, of which the docstring does not say what."""
    wanting = []
    for name, said in _described(each).items():
        for pattern, unit in UNITS.items():
            if re.fullmatch(pattern, name) and not re.search(unit, said, re.IGNORECASE):
                wanting.append(name)
    return f"no unit: {', '.join(wanting)}" if wanting else ""


def undescribed(each: Named) -> str:
    """Fields that neither a class's docstring describes nor that of a class which it is made of."""
    bases = each.item.__mro__ if isinstance(each.item, type) else ()
    known = {name for base in bases for name, said in documentation(base).fields.items() if said}
    wanting = [name for name in _fields(each.item) if name not in known]
    return f"fields not described: {', '.join(wanting)}" if wanting else ""


def unsaid_errors(each: Named) -> str:
    """Mistakes of users that are raised, but not in a section ``Raises``."""
    if each.node is None or not _raises(_function(each.item)):
        return ""
    _, _, section = each.docstring.partition("Raises:")
    return "" if "UserError" in section else "raises UserError and does not say so"


def _all() -> Iterator[Named]:
    for name in aq.__all__:
        yield from _of(f"aq.{name}", getattr(aq, name))
    for name in BESIDE:
        yield from _of(name, importlib.import_module(name))


def _of(name: str, item: Any) -> Iterator[Named]:
    if isinstance(item, types.ModuleType):
        yield Named(name, item, inspect.getdoc(item) or "")
        for each in _names(item):
            yield from _of(f"{name}.{each}", getattr(item, each))
    elif isinstance(item, type) and item.__module__.startswith("argmaxq"):
        yield Named(name, item, _own(item))
        yield from _members(name, item)
    elif isinstance(item, types.FunctionType):
        yield Named(name, item, inspect.getdoc(item) or "")


def _names(module: types.ModuleType) -> list[str]:
    """Its ``__all__``, or what is made in it or below it and has a docstring of its own."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    made = {name: getattr(item, "__module__", None) or "" for name, item in vars(module).items()}
    return [name for name, where in made.items() if not name.startswith("_") and where.startswith(module.__name__)]


def _members(name: str, cls: type) -> Iterator[Named]:
    """Its public methods and properties, inherited ones of ours, too."""
    for base in cls.__mro__:
        if base.__module__.startswith("argmaxq") and base.__module__ != "argmaxq.types":
            for each, item in vars(base).items():
                function = _function(item)
                called = each == "__call__" or not each.startswith("_")
                if called and function and function.__module__.startswith("argmaxq"):
                    yield Named(f"{name}.{each}", item, inspect.getdoc(function) or _inherited(cls, each))


def _inherited(cls: type, method: str) -> str:
    """The docstring of the class whose method is all it is for, as schedules and layers are called."""
    return (cls.__doc__ or "") if method == "__call__" else ""


def _own(cls: type) -> str:
    """A class's own docstring; a dataclass without one has its signature for one."""
    written = cls.__dict__.get("__doc__") or ""
    return "" if written.startswith(f"{cls.__name__}(") else inspect.cleandoc(written)


def _fields(item: Any) -> list[str]:
    if not isinstance(item, type):
        return []
    names = item._fields if hasattr(item, "_fields") else [f.name for f in _dataclass_fields(item)]
    flax = ("parent", "name") if issubclass(item, nn.Module) else ()
    return [name for name in names if not name.startswith("_") and name not in flax]


def _dataclass_fields(cls: Any) -> tuple[Any, ...]:
    return dataclasses.fields(cls) if dataclasses.is_dataclass(cls) else ()


def _described(each: Named) -> dict[str, str]:
    """What is said of each field or argument: the whole docstring of a function."""
    if isinstance(each.item, type):
        return documentation(each.item).fields
    if each.node is None:
        return {}
    return {argument.arg: each.docstring for argument in _arguments(each.node)}


def _function(item: Any) -> Any:
    if isinstance(item, property):
        item = item.fget
    if isinstance(item, functools.cached_property):
        item = item.func
    if isinstance(item, classmethod | staticmethod):
        item = item.__func__
    return inspect.unwrap(item) if isinstance(item, types.FunctionType) else None


@functools.cache
def _node(function: Any) -> ast.FunctionDef | None:
    node = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    return node if isinstance(node, ast.FunctionDef) else None


def _arguments(node: ast.FunctionDef) -> list[ast.arg]:
    given = node.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _arrays(node: ast.FunctionDef) -> list[str]:
    named = [(each.arg, each.annotation) for each in _arguments(node)] + [("result", node.returns)]
    return [
        name
        for name, hint in named
        if hint is not None and ARRAYS.search(ast.unparse(hint)) and not NO_SHAPE.match(name)
    ]


def _raises(function: Any) -> bool:
    """Whether it raises UserError itself, or by a function that it calls."""
    names = inspect.getmodule(function).__dict__
    calls = [part.func for part in ast.walk(_node(function)) if isinstance(part, ast.Call)]
    called = [_function(names.get(each.id)) for each in calls if isinstance(each, ast.Name)]
    ours = [each for each in called if each is not None and each.__module__.startswith("argmaxq")]
    return any(_raises_itself(each) for each in [function, *ours])


def _raises_itself(function: Any) -> bool:
    raised = [part.exc for part in ast.walk(_node(function)) if isinstance(part, ast.Raise) and part.exc]
    return any("UserError" in ast.unparse(each) for each in raised)
