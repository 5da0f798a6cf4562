"""What JAX computes on: all devices of a platform, or one of them."""

import ctypes
import mmap
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np

from argmaxq.components.errors import UserError, warn
from argmaxq.setup import start_jax, usable_cores

T = TypeVar("T")

LARGE = 2**26
"""Bytes from which an array of zeros is not kept in memory."""
CHUNK = 2**22
TOO_LATE = (
    "JAX had started already, so the {seeds} seeds share one device instead of one for each of {cores} cores: train "
    "them before anything else uses JAX, or set the environment variable JAX_NUM_CPU_DEVICES={cores}"
)


def current() -> list[jax.Device]:
    """The devices to compute on here: one that ``jax.default_device`` names, else all of its platform."""
    settings: Any = jax.config
    chosen = settings.jax_default_device
    return [chosen] if isinstance(chosen, jax.Device) else jax.local_devices(backend=chosen)


def accelerated() -> bool:
    """Whether they are others than the CPU."""
    return current()[0].platform != "cpu"


@contextmanager
def using(name: str | None, seeds: int = 1, heavy: bool = False) -> Iterator[None]:
    """Compute on ``cpu``, ``gpu``, ``tpu``, ``cuda:1`` within it; None leaves JAX's own choice.

    Several ``seeds`` that are trained at once get a device for each core of the CPU, and a warning where JAX has
    started without; a lone one gets one thread, or all where its network is ``heavy``.

    Raises:
        UserError: there is no such device; it says which there are. Or JAX does not start at all.
    """
    late = not start_jax(seeds, heavy) and seeds > 1
    _check_platforms()
    with _choice(name):
        if late and _whole_cpu():
            warn(TOO_LATE.format(seeds=seeds, cores=usable_cores()))
        yield


def free_memory() -> int | None:
    """Bytes that are free where computations are done, or None where nobody says."""
    found = current()
    if not accelerated():
        return min(_free_on_the_host(), default=None)
    told = [stats for device in found if (stats := device.memory_stats())]
    limits = [stats["bytes_limit"] - stats["bytes_in_use"] for stats in told if "bytes_limit" in stats]
    return sum(limits) if limits else None


def lazily(tree: T) -> T:
    """The same arrays, large ones of zeros without memory until something is written into them.

    A replay is allocated at once and filled slowly. On Linux's CPUs alone, where a page that was given back is zeros.
    """
    if sys.platform == "linux" and not accelerated():
        for leaf in jax.tree.leaves(tree):
            if isinstance(leaf, jax.Array) and leaf.nbytes >= LARGE:
                for shard in leaf.addressable_shards:
                    _give_back(np.asarray(shard.data))
    return tree


def room(array: jax.Array) -> np.ndarray | None:
    """The memory of a large array that was just made and that nothing has read, to be written into while it is kept.

    None of an array that is not one piece of a CPU's memory, or not large.
    """
    if accelerated() or array.nbytes < LARGE or len(array.sharding.device_set) > 1:
        return None
    memory = (ctypes.c_ubyte * array.nbytes).from_address(array.unsafe_buffer_pointer())
    return np.ctypeslib.as_array(memory).view(array.dtype).reshape(array.shape)


def _give_back(array: np.ndarray) -> None:
    """Give back the whole pages of an array, if it is of zeros."""
    flat = array.reshape(-1).view(np.uint8)
    if any(flat[first : first + CHUNK].any() for first in range(0, len(flat), CHUNK)):
        return
    first = -(-array.ctypes.data // mmap.PAGESIZE) * mmap.PAGESIZE
    end = (array.ctypes.data + array.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    ctypes.CDLL(None).madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), mmap.MADV_DONTNEED)


def _free_on_the_host() -> Iterator[int]:
    """What the machine has free, what its container may have, and what this process still may."""
    with suppress(OSError):
        lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        yield int(lines["MemAvailable"].split()[0]) * 1024
    for limit in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        with suppress(OSError, ValueError):  # there is none, or it says "max"
            yield int(Path(limit).read_text())
    with suppress(ImportError, OSError):
        import resource  # not on Windows

        most, page = resource.getrlimit(resource.RLIMIT_AS)[0], resource.getpagesize()
        if most != resource.RLIM_INFINITY:
            yield max(0, most - int(Path("/proc/self/statm").read_text().split()[0]) * page)


def _whole_cpu() -> bool:
    """Whether all devices of the CPU are to be used: no other platform, nor a single device."""
    settings: Any = jax.config
    return not isinstance(settings.jax_default_device, jax.Device) and not accelerated()


def _check_platforms() -> None:
    """Start JAX; raises UserError where the platforms that it may use are not here."""
    try:
        jax.local_devices()
    except (RuntimeError, AssertionError) as problem:  # JAX asserts that it has one
        asked: Any = jax.config
        why = str(problem) or "no such device is here"
        raise UserError(
            f"JAX does not start with JAX_PLATFORMS={asked.jax_platforms} ({why}): "
            "unset that variable, or name platforms that are here, such as cpu"
        ) from problem


def _choice(name: str | None) -> AbstractContextManager[Any]:
    if name is None:
        return nullcontext()
    platform, colon, index = name.lower().partition(":")
    found = _devices(platform)
    if colon:
        found = [device for number, device in enumerate(found) if str(number) == index]
    if not found:
        raise UserError(f"device = {name!r}: there is no such device here; there are {', '.join(_names())}")
    return jax.default_device(found[0] if colon else platform)


def _devices(platform: str) -> list[jax.Device]:
    try:
        return list(jax.local_devices(backend=platform))
    except RuntimeError:  # JAX knows no such platform, or none of its devices are here
        return []


def _names() -> list[str]:
    platforms = dict.fromkeys(["cpu", *(device.platform for device in jax.local_devices())])
    numbered = [f"{platform}:{i}" for platform in platforms if (n := len(_devices(platform))) > 1 for i in range(n)]
    return [*platforms, *numbered]
