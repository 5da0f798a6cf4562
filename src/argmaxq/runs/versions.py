"""What a run ran on: versions, device and machine, for the record beside its results."""

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from argmaxq.devices import current

PACKAGES = ("argmaxq", "jax", "jaxlib", "flax", "optax", "gymnasium", "numpy", "envpool")


def environment_report() -> dict[str, Any]:
    """JSON data: ``versions`` of what is installed, ``device`` that JAX computes on, ``machine``; memory in bytes."""
    devices = current()
    return {
        "versions": {"python": platform.python_version(), **_installed()},
        "device": {"platform": devices[0].platform, "kind": devices[0].device_kind, "count": len(devices)},
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "memory": _memory(),
        },
    }


def _installed() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    """The processor's trade name where the system tells it, else its architecture."""
    with suppress(OSError):  # other systems than Linux have no such file
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return None
