"""Which run folders may name a module to import: those made here, and those that the user says are good.

A run folder is data, but for one thing: an environment's id such as ``module:Id`` and a component of the user's own,
``module:Class``, have a module imported. A run that is made here therefore carries a proof of them, a keyed hash of its
identity, its environment and what components it names; the key is this user's alone. In other run folders, such a
module is imported only where the user has trusted the run or given what it names. Ids without a module are looked up
and import nothing that the folder names.
"""

import contextlib
import hashlib
import hmac
import importlib.util
import json
import os
import secrets
import sys
from collections.abc import Collection, Iterable, Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError
from argmaxq.components.modules import referred
from argmaxq.components.registry import SCRIPT, lookup
from argmaxq.components.serialisation import types

STATE_DIR, TRUST = "ARGMAXQ_STATE_DIR", "ARGMAXQ_TRUST"
"""Environment variables: the folder of this user's key, and what is trusted, ``module:Name`` with spaces between."""
KEY, KEY_BYTES = "key", 32
ENVIRONMENT = "env.id"
"""The path at which a run's configuration names its environment."""


def module_of(id: Any) -> str:
    """The module that making an environment of this id imports; empty for none.

    Raises:
        UserError: a colon stands where Gymnasium expects none.
    """
    if not isinstance(id, str) or ":" not in id:
        return ""
    named = referred(id)
    if named is None:
        raise UserError(f"environment {id!r}: a module and an id are written module:Id")
    return named.module


def components(recipe: Mapping[str, Any]) -> dict[str, str]:
    """The components of the user's own that a recipe's JSON names as ``module:Class``, by path."""
    found = {where: name.partition("/")[2] for where, name in types(recipe).items()}
    return {where: name for where, name in found.items() if (named := referred(name)) and named.module != SCRIPT}


def proof(config: Mapping[str, Any]) -> str:
    """What shows that a run was made here; raises OSError where there is no key and none can be made."""
    named = sorted(set(components(config["recipe"]).values()))
    signed = {"id": config["id"], "env": config["recipe"]["env"]} | ({"components": named} if named else {})
    text = json.dumps(signed, sort_keys=True, allow_nan=False)
    return hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()


def signed(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration with its proof, where it names a module and there is a key."""
    if not _named(config["recipe"]) or "id" not in config:
        return config
    try:
        return config | {"proof": proof(config)}
    except OSError:
        return config


def vouched(config: Mapping[str, Any]) -> bool:
    """Whether a run names no module, or was made here."""
    return not _named(config["recipe"]) or _made_here(config)


def remark(config: Mapping[str, Any]) -> list[str]:
    """A line on a run that was made here and cannot show it."""
    named = _named(config["recipe"])
    if not named or "proof" in config:
        return []
    return [
        f"the run will not show that it was made here, since no key can be kept in {state_folder()}: to import "
        f"{_modules(named.values())}, evaluate and the like will ask for --trust; set {STATE_DIR} to a folder that you "
        "can write"
    ]


def check(config: Mapping[str, Any], folder: Path, trusted: bool, given: Collection[str] = ()) -> list[str]:
    """What a run's configuration has imported, ``module:Name``, checked that it may be.

    What is ``given`` instead, by path, is not imported, nor is what is registered already.

    Raises:
        UserError: it may not; it says which modules, and how to allow them. Or one lies in the run's own folder.
    """
    recipe = config["recipe"]
    there = [path for path, name in types(recipe).items() if lookup(*name.partition("/")[::2]) is not None]
    named = {path: name for path, name in _named(recipe).items() if path not in there and not _within(path, given)}
    for name in named.values():
        check_place(module_of(name), folder)
    vouched = {*os.environ.get(TRUST, "").split()}
    if named and not (trusted or vouched.issuperset(named.values()) or _made_here(config)):
        id = named.get(ENVIRONMENT)
        alone = id is not None and len(named) == 1
        raise UserError(
            f"{folder} was not made here, and to load it imports {_modules(named.values())}, which may do anything: if "
            f"you trust it, say --trust{f' or --env {id}' if alone else ''}; in Python trust=True"
            + (f" or own={{{ENVIRONMENT!r}: {id!r}}}" if alone else "")
        )
    return list(named.values())


def check_place(module: str, folder: Path) -> None:
    """Check that a module, if any, does not lie in a run's folder; raises UserError."""
    inside = folder.resolve()
    for place in _places(module) if module else []:
        if place.resolve().is_relative_to(inside):
            raise UserError(f"the module {module} lies in the run's folder itself ({place}), and is never imported")


def for_workers(config: Mapping[str, Any]) -> dict[str, str]:
    """Environment variables with which a process elsewhere, without this user's key, trusts what is trusted here."""
    trusted = {*os.environ.get(TRUST, "").split(), *_named(config["recipe"]).values()}
    return {TRUST: " ".join(sorted(trusted))}


def beside(run: Path | None = None) -> None:
    """Look for modules in the current folder first, as Python does for a script in it, but never in a run's own."""
    with contextlib.suppress(OSError):  # a folder that is there no more
        here = str(Path.cwd())
        sys.path[:0] = [here] if sys.path[:1] != [here] else []
    if run is not None:
        shun(run)


def shun(folder: Path) -> None:
    """Look for modules no more in a run's folder, which is on Python's path for who works in it."""
    inside, own = folder.resolve(), [Path(prefix).resolve() for prefix in (sys.prefix, sys.base_prefix)]

    def hostile(entry: str) -> bool:
        place = Path(entry).resolve()
        return place.is_relative_to(inside) and not any(place.is_relative_to(prefix) for prefix in own)

    sys.path[:] = [entry for entry in sys.path if not hostile(entry)]


def state_folder() -> Path:
    """Where this user's key is kept."""
    chosen = os.environ.get(STATE_DIR)
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")) / "argmaxq"


def _named(recipe: Mapping[str, Any]) -> dict[str, str]:
    """All that a recipe's JSON has imported, ``module:Name``, by path."""
    id = recipe["env"]["id"]
    return ({ENVIRONMENT: id} if module_of(id) else {}) | components(recipe)


def _within(path: str, given: Collection[str]) -> bool:
    """Whether something is given for a path, or for one above it."""
    return any(path == each or path.startswith((f"{each}.", f"{each}[")) for each in given)


def _modules(named: Iterable[str]) -> str:
    modules = sorted({module_of(name) for name in named})
    return f"the module{'s' * (len(modules) > 1)} {' and '.join(modules)}"


def _made_here(config: Mapping[str, Any]) -> bool:
    try:
        return "proof" in config and hmac.compare_digest(config["proof"], proof(config))
    except (OSError, KeyError):
        return False


def _key() -> bytes:
    """This user's key, made where there is none yet."""
    folder = state_folder()
    file = folder / KEY
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make_key(file)
    status = file.stat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o077):
        raise PermissionError(f"{file} is open to others")
    key = file.read_bytes()
    if len(key) != KEY_BYTES:
        raise OSError(f"{file} holds no key")
    return key


def _make_key(file: Path) -> None:
    """Make a key whole, and only if no other process did so meanwhile."""
    fresh = file.with_name(f"{KEY}-{secrets.token_hex(8)}")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(secrets.token_bytes(KEY_BYTES))
        _name_once(fresh, file)
    finally:
        fresh.unlink(missing_ok=True)


def _name_once(fresh: Path, file: Path) -> None:
    """Give a file its name, unless another has it."""
    try:
        os.link(fresh, file)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        fresh.replace(file)


def _places(module: str) -> list[Path]:
    """The files and folders that importing a module, and those it is in, would run, without importing any."""
    first, *inner = module.split(".")
    try:
        spec = importlib.util.find_spec(first)
    except ValueError:  # a module such as __main__ that was not found anywhere
        spec = None
    found: list[Path] = []
    while spec is not None:
        within = list(spec.submodule_search_locations or [])
        found += [Path(place) for place in [*within, *([spec.origin] if spec.has_location else [])] if place]
        # By its own name alone: with its parents' names, Python would look these up among what is imported.
        spec = PathFinder.find_spec(inner.pop(0), within) if inner else None
    return found
