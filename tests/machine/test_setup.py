"""How JAX is started, in processes of their own: it starts only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from argmaxq.setup import usable_cores

AGAIN = """
import sys, jax, argmaxq
from argmaxq.setup import start_jax
if "late" in sys.argv:
    jax.jit(lambda x: x + 1)(0.0)
print(*(start_jax(1) for _ in range(3)))
print(jax.config.jax_compilation_cache_dir)
"""
SAY = """
import os, pathlib, sys, jax, argmaxq
from argmaxq.setup import start_jax
start_jax(int(sys.argv[1]), len(sys.argv) > 2)
jax.jit(lambda x: x + 1)(0.0)
names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
print(len(jax.devices()), sum("Eigen" in name for name in names), os.environ.get("NPROC"))
"""


def started(seeds: int, folder: Path, *heavy: str, **variables: str) -> list[str]:
    """Devices, XLA's threads for parts of one operation, and what is left of ``NPROC``."""
    return said(SAY, folder, str(seeds), *heavy, **variables)


def said(script: str, folder: Path, *words: str, **variables: str) -> list[str]:
    """What a script prints that has its compilation cache in ``folder``."""
    removed = ("NPROC", "XLA_FLAGS", "JAX_NUM_CPU_DEVICES", "JAX_COMPILATION_CACHE_DIR")
    environment = {name: value for name, value in os.environ.items() if name not in removed}
    environment |= {"ARGMAXQ_CACHE_DIR": str(folder), "JAX_PLATFORMS": "cpu", **variables}
    command = [sys.executable, "-c", script, *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def test_threads_are_chosen_once_and_the_cache_stays_theirs(tmp_path: Path) -> None:
    """Each training in a notebook asks for them again."""
    assert said(AGAIN, tmp_path) == ["True", "False", "False", str(tmp_path / "one-thread")]
    assert said(AGAIN, tmp_path, "late") == ["False", "False", "False", str(tmp_path)]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads as Linux shows them")
def test_a_lone_seed_gets_one_thread_and_a_cache_of_its_own(tmp_path: Path) -> None:
    assert started(1, tmp_path) == ["1", "1", "None"]
    assert [path.name for path in tmp_path.iterdir()] == ["one-thread"]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads as Linux shows them")
def test_a_lone_seed_with_a_heavy_network_gets_all_cores_and_two_threads_at_least(tmp_path: Path) -> None:
    assert started(1, tmp_path, "heavy") == ["1", str(max(usable_cores(), 2)), "None"]
    assert not (tmp_path / "one-thread").exists()


def test_many_seeds_get_a_device_for_each_core(tmp_path: Path) -> None:
    assert started(2, tmp_path)[0] == str(usable_cores())
    assert not (tmp_path / "one-thread").exists()


def test_a_users_own_number_of_threads_stands(tmp_path: Path) -> None:
    assert started(1, tmp_path, NPROC="3")[1:] == ["3", "3"]


LOOK_AT_ALL = """
import argmaxq as aq
from argmaxq import roles
from argmaxq.components.checks import validate
from jax._src.xla_bridge import backends_are_initialized
for name in aq.recipes():
    recipe = validate(aq.find(name))
    parts = [recipe.agent, *vars(recipe.agent).values()]
    for role in vars(roles).values():
        if getattr(role, "_is_runtime_protocol", False):
            [isinstance(part, role) for part in parts]
    assert not backends_are_initialized(), name
"""


@pytest.mark.parametrize("order", ["0", "4"])
def test_looking_at_recipes_does_not_start_jax(order: str, tmp_path: Path) -> None:
    """Or it would be started as suits nobody; Python 3.11's protocols asked for properties in the order of a set."""
    environment = os.environ | {"ARGMAXQ_CACHE_DIR": str(tmp_path), "PYTHONHASHSEED": order}
    subprocess.run([sys.executable, "-c", LOOK_AT_ALL], env=environment, check=True)
