"""What other systems lack is hidden, and what needs none of it works all the same."""

import subprocess
import sys
from pathlib import Path

HIDING = """
import builtins, os, signal, sys, pathlib
import subprocess, multiprocessing.connection, asyncio, uuid, concurrent.futures  # which look at the system themselves
sys.modules["fcntl"] = sys.modules["resource"] = None
for name in ("fork", "sched_getaffinity", "sched_setaffinity", "getuid", "O_NOFOLLOW", "O_NONBLOCK", "sysconf", "link"):
    delattr(os, name)
del signal.SIGTERM, signal.SIGKILL
read = pathlib.Path.read_text
def without_proc(self, *args, **kwargs):
    if str(self).startswith(("/proc", "/sys/fs")):  # the rest of /sys is for JAX
        raise FileNotFoundError(self)
    return read(self, *args, **kwargs)
pathlib.Path.read_text = without_proc
"""
TRYING = """
import argmaxq as aq
from argmaxq.cli.main import main

for engine in ("compiled", "host"):
    run = aq.train("cartpole/dqn", steps=1_500, engine=engine, out=engine)
    run = aq.resume(run.path, steps=600)
    assert run.summary["finished"] and run.summary["step"] >= 2_100, run.summary
    assert len(run.evaluate(3).returns) == 3
    assert aq.load(run.path)([0.0, 0.0, 0.0, 0.0]) in (0, 1)
assert len(aq.film(aq.Run("host"), "film.gif").returns) == 1
study = aq.study("cartpole/dqn", {"agent.gamma": (0.9, 0.99)}, steps=1_500, out="study")
assert study.finished
code = main(
    ["train", "cartpole/dqn", "--env.backend", "processes", "--env.lanes", "2", "--steps", "2k", "--out", "forked"]
)
assert code == 2, code
"""


def test_nothing_needs_what_windows_and_macos_lack(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", HIDING + TRYING], cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "argmaxq: env.backend = 'processes' needs Linux or macOS: leave it out here" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_game_is_stepped_in_this_process_where_none_can_be_forked() -> None:
    code = """
from argmaxq.environments.env import Env
from argmaxq.environments.source import workers
assert workers(Env("ALE/Pong-v5", backend="ale", lanes=2)) is None
"""
    done = subprocess.run(
        [sys.executable, "-c", HIDING + code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
