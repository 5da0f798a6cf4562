"""JAX's settings, made once before it starts."""

import contextlib
import os
from pathlib import Path
from typing import Any

import jax

SMALL_LOOPS = "--xla_backend_extra_options=xla_cpu_small_while_loop_byte_threshold=1048576"
"""Loops whose body touches fewer bytes than that, and multiplies no matrices, become one kernel on the CPU."""

ONE_THREAD = "one-thread"
"""The part of the compilation cache that is for it."""


def configure_jax() -> None:
    """Synchronous dispatch on the CPU, small loops in one kernel, and a compilation cache that outlives the process.

    Synchronous dispatch makes a small call take a fifth of the time. Settings that the user made through JAX's own
    environment variables or configuration stand. The cache lies in ``ARGMAXQ_CACHE_DIR``, by default the user's cache
    folder.
    """
    # XLA reads this when it starts. A loop over a table is then one kernel; it has 40 times as many small ones else.
    if "xla_backend_extra_options" not in os.environ.get("XLA_FLAGS", ""):
        os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {SMALL_LOOPS}".strip()
    if "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ:
        jax.config.update("jax_cpu_enable_async_dispatch", False)
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", os.environ.get("ARGMAXQ_CACHE_DIR", str(cache_folder())))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def cache_folder() -> Path:
    """The user's folder for what can be made or fetched again: ``$XDG_CACHE_HOME/argmaxq``, or ``~/.cache/argmaxq``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")) / "argmaxq"


def start_jax(seeds: int, heavy: bool = False) -> bool:
    """Start JAX as suits training so many seeds in one program; whether it could, or the user chose otherwise.

    A lone seed gets one thread, or one for each core where its network is ``heavy``.
    """
    if seeds > 1:
        return device_per_core()
    return threads(max(usable_cores(), 2)) if heavy else threads(1)


def device_per_core() -> bool:
    """Let many seeds train on all cores; whether that is so, or the user chose a number of devices.

    There are two at least, since XLA gives a program for one device other bits than one for any larger number of them.

    JAX must not have started: later its devices stay as they are. Not the default, because with more than one device
    XLA multiplies large matrices about five times as slowly.
    """
    settings: Any = jax.config
    if settings.jax_num_cpu_devices >= 0 or "host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return True
    try:
        jax.config.update("jax_num_cpu_devices", max(usable_cores(), 2))
    except RuntimeError:
        return False
    return True


def threads(number: int) -> bool:
    """Let a lone seed train on so many threads of the CPU; whether that is so, or the user chose a number of them.

    On several XLA gives halves of small gathers and writes to other threads, and waits longer for them than all takes;
    convolutions gain. One thread may give other bits than several, and these all the same. XLA takes the number from
    the variable ``NPROC`` when it starts.
    """
    settings: Any = jax.config
    if "NPROC" in os.environ:
        return True
    if _started():
        return False
    # What is compiled for one thread is not what is compiled for several, though JAX's cache would take it to be.
    if number == 1 and settings.jax_compilation_cache_dir is not None:
        jax.config.update("jax_compilation_cache_dir", str(Path(settings.jax_compilation_cache_dir) / ONE_THREAD))
    os.environ["NPROC"] = str(number)
    with contextlib.suppress(RuntimeError, AssertionError):  # a user who allows other platforms alone
        jax.local_devices(backend="cpu")
    del os.environ["NPROC"]
    return True


def _started() -> bool:
    """Whether JAX has started: it refuses another number of devices then, though not the one that it has."""
    settings: Any = jax.config
    number = settings.jax_num_cpu_devices
    try:
        jax.config.update("jax_num_cpu_devices", max(number, 0) + 1)
    except RuntimeError:
        return True
    jax.config.update("jax_num_cpu_devices", number)
    return False


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
