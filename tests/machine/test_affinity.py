"""Which core the host engine's threads run on, in a process of its own: threads are bound and JAX starts only once."""

import os
import subprocess
import sys

import pytest

from argmaxq.setup import usable_cores
from argmaxq.training.engines.affinity import ONE_CORE

LINUX = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux binds threads to cores")

SAY = """
import os, time, jax, argmaxq
from argmaxq.setup import start_jax
from argmaxq.training.engines import affinity
from argmaxq.training.engines.affinity import SharedCore, taking_turns
affinity.ONE_CORE = ONE_CORE
start_jax(int(os.environ["SEEDS"]))
jax.jit(lambda x: x + 1)(0.0)
threads, core = taking_turns(), SharedCore()

def block(work):
    with core.block():
        cores = [os.sched_getaffinity(thread) for thread in threads]
        begin = time.thread_time()
        while work and time.thread_time() - begin < 0.05:
            pass
        if not work:
            time.sleep(0.05)
    together = len(set(map(frozenset, cores))) == 1
    print([len(each) for each in cores], together, {len(os.sched_getaffinity(thread)) for thread in [0, *threads]})

for work in WORK:
    block(work)
"""


ALWAYS, MEASURED = (0.0, 99.0), ONE_CORE
"""Whether blocks count as taking turns: always, for a busy machine's sake, or as in training."""


def said(work: list[bool], seeds: int, turns: tuple[float, float]) -> list[str]:
    """Of each block: how many cores each thread had, whether they were the same ones, and how many were left after."""
    removed = ("NPROC", "XLA_FLAGS", "JAX_NUM_CPU_DEVICES")
    environment = {name: value for name, value in os.environ.items() if name not in removed} | {"SEEDS": str(seeds)}
    command = [sys.executable, "-c", SAY.replace("WORK", repr(work)).replace("= ONE_CORE", f"= {turns}")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.splitlines()


@LINUX
def test_threads_share_a_core_from_the_second_block_on_and_are_free_between_blocks() -> None:
    cores = usable_cores()
    shared = f"[1, 1] True {{{cores}}}"
    assert said([True] * 3, 1, ALWAYS) == [f"[{cores}, {cores}] True {{{cores}}}", shared, shared]


@LINUX
def test_blocks_that_wait_run_free() -> None:
    cores = usable_cores()
    assert said([False] * 2, 1, MEASURED) == [f"[{cores}, {cores}] True {{{cores}}}"] * 2


@LINUX
@pytest.mark.skipif(usable_cores() == 1, reason="one core has one worker")
def test_several_workers_run_free() -> None:
    assert said([True] * 2, 2, ALWAYS) == [f"[] False {{{usable_cores()}}}"] * 2
