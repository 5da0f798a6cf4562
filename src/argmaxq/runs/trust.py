"""Which run folders may name a module to import: those made here, and those that the user says are good.

A run folder is data, but for one thing: an environment's id such as ``module:Id`` has Gymnasium import a module. A run
that is made here therefore carries a proof of it, a keyed hash of its identity and its environment; the key is this
user's alone. In other run folders, such a module is imported only where the user has trusted the run or named the
environment. Ids without a module are looked up and import nothing that the folder names.
"""

import hashlib
import hmac
import importlib.util
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from argmaxq.components.errors import UserError

STATE_DIR, TRUST = "ARGMAXQ_STATE_DIR", "ARGMAXQ_TRUST"
"""Environment variables: the folder of this user's key, and environments' ids that are trusted, with spaces between."""
KEY, KEY_BYTES = "key", 32
ID = re.compile(r"(?P<module>[^\W\d]\w*(\.[^\W\d]\w*)*):(?P<name>[^:]+)")


def module_of(id: Any) -> str:
    """The module that making an environment of this id imports; empty for none.

    Raises:
        UserError: a colon stands where Gymnasium expects none.
    """
    if not isinstance(id, str) or ":" not in id:
        return ""
    match = ID.fullmatch(id)
    if match is None:
        raise UserError(f"environment {id!r}: a module and an id are written module:Id")
    return match["module"]


def proof(config: Mapping[str, Any]) -> str:
    """What shows that a run was made here; raises OSError where there is no key and none can be made."""
    signed = {"id": config["id"], "env": config["recipe"]["env"]}
    text = json.dumps(signed, sort_keys=True, allow_nan=False)
    return hmac.new(_key(), text.encode(), hashlib.sha256).hexdigest()


def signed(config: dict[str, Any]) -> dict[str, Any]:
    """The same configuration with its proof, where it names a module and there is a key."""
    if not module_of(config["recipe"]["env"]["id"]):
        return config
    try:
        return config | {"proof": proof(config)}
    except OSError:
        return config


def remark(config: Mapping[str, Any]) -> list[str]:
    """A line on a run that was made here and cannot show it."""
    module = module_of(config["recipe"]["env"]["id"])
    if not module or "proof" in config:
        return []
    return [
        f"the run will not show that it was made here, since no key can be kept in {state_folder()}: to import "
        f"{module}, evaluate and the like will ask for --trust; set {STATE_DIR} to a folder that you can write"
    ]


def check(config: Mapping[str, Any], folder: Path, trusted: bool) -> None:
    """Check that the module which a run's configuration names, if any, may be imported.

    Raises:
        UserError: it may not; it says which module, and how to allow it. Or it lies in the run's own folder.
    """
    id = config["recipe"]["env"]["id"]
    module = module_of(id)
    if not module:
        return
    check_place(module, folder)
    if not (trusted or id in os.environ.get(TRUST, "").split() or _made_here(config)):
        raise UserError(
            f"{folder} was not made here, and to load it imports the module {module}, which may do anything: if you "
            f"trust it, say --trust or --env {id}; in Python trust=True or own={{'env.id': {id!r}}}"
        )


def check_place(module: str, folder: Path) -> None:
    """Check that a module, if any, does not lie in a run's folder; raises UserError."""
    inside = folder.resolve()
    for place in _places(module) if module else []:
        if place.resolve().is_relative_to(inside):
            raise UserError(f"the module {module} lies in the run's folder itself ({place}), and is never imported")


def for_workers(config: Mapping[str, Any]) -> dict[str, str]:
    """Environment variables with which a process elsewhere, without this user's key, trusts what is trusted here."""
    id = config["recipe"]["env"]["id"]
    trusted = {*os.environ.get(TRUST, "").split(), *([id] if module_of(id) else [])}
    return {TRUST: " ".join(sorted(trusted))}


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
