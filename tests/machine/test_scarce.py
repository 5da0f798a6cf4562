"""Too little room, no leave to write, too little memory: one line, nothing lost, and an exact resume afterwards."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.runs import checkpoint
from argmaxq.runs.files.writing import Unwritable
from argmaxq.runs.records import read
from support.hostile import snapshot, untouched
from support.runs import CARTPOLE, assert_same, crashed

resource = pytest.importorskip("resource")


def limited(size: int) -> Callable[[Any], object]:
    """A callback that lets no file of this process grow beyond ``size`` bytes from step 600 on, as on a full disk."""

    def callback(block: Any) -> None:
        if block.step >= 600:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    return callback


@contextlib.contextmanager
def room_afterwards() -> Iterator[None]:
    """What was limited within it is limited no more, before pytest itself writes to a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> aq.Run:
    return aq.train(CARTPOLE, out=tmp_path_factory.mktemp("reference") / "run")


# Where nothing can be written, where a record ends in the middle of a line, and where all but a checkpoint fits.
@pytest.mark.parametrize("size", [0, 700, 1_001, 20_000])
def test_a_full_disk_is_one_line_and_the_run_goes_on_exactly(size: int, reference: aq.Run, tmp_path: Path) -> None:
    with (
        room_afterwards(),
        pytest.raises(Unwritable, match=r"cannot be written: there is no room \(File too large\); make some and go on"),
    ):
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[limited(size)])
    assert not list((tmp_path / "run").rglob("*.partial"))
    newest = checkpoint.latest(tmp_path / "run" / "checkpoints", pytest.fail)
    assert newest is not None
    assert newest.name == "step-000000500"
    assert aq.Run(tmp_path / "run").evaluate(episodes=1).mean > 0
    assert_same(aq.resume(tmp_path / "run"), reference)


def test_a_disk_that_is_full_from_the_start(tmp_path: Path) -> None:
    with room_afterwards():
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        with pytest.raises(UserError, match=r"config.json cannot be written: there is no room"):
            aq.train(CARTPOLE, out=tmp_path / "run")


def test_a_checkpoint_without_room_is_refused_before_it_is_written(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, "last", {"x": np.arange(3)}, {"step": 1})
    huge = np.broadcast_to(np.float64(1.0), (2**40,))  # 8.8 TB of which one number is in memory
    assert checkpoint.size({"x": huge}) == 2**43
    with (
        untouched(tmp_path),
        pytest.raises(Unwritable, match=r"last cannot be written: it takes 8796.1 GB and there is"),
    ):
        checkpoint.save(tmp_path, "last", {"x": huge}, {"step": 2})


AS_NOBODY = """
import io, os, sys
os.chdir("/")
import argmaxq as aq
from matplotlib.figure import Figure
from argmaxq.visualisation.plot import plot
from argmaxq.components.errors import UserError
Figure().savefig(io.BytesIO())  # imports what the other user may not be able to read
if os.getuid() == 0:
    os.setgid(65534); os.setuid(65534)
try:
    {action}
except UserError as problem:
    print(problem)
"""


def as_nobody(action: str, path: Path) -> str:
    """What an unprivileged process prints; it may read the path."""
    for folder in [path, *path.parents]:
        if folder.stat().st_uid == os.getuid() and folder.stat().st_mode & 0o055 != 0o055:
            folder.chmod(folder.stat().st_mode | 0o055)
    code = AS_NOBODY.format(action=action)
    variables = os.environ | {"ARGMAXQ_CACHE_DIR": str(path / "none"), "JAX_ENABLE_COMPILATION_CACHE": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="needs users")
def test_a_folder_of_another_owner_is_one_line(reference: aq.Run, tmp_path: Path) -> None:
    run = crashed(CARTPOLE, tmp_path / "run", 1_100)
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    before = snapshot(run.path)
    said = as_nobody(f"aq.resume({str(run.path)!r})", tmp_path)
    assert said == (
        f"{run.path}/.lock cannot be written: it is not yours to write (Permission denied); "
        "change its owner or mode, or write elsewhere\n"
    )
    said = as_nobody(f"print(aq.Run({str(run.path)!r}).evaluate(episodes=1).mean > 0)", tmp_path)
    assert said == "True\n"
    said = as_nobody(f"plot(aq.Run({str(run.path)!r}), 'loss')", tmp_path)
    assert said.startswith(f"{run.path}/loss.png cannot be written: it is not yours to write")
    assert snapshot(run.path) == before
    for path in [tmp_path, *tmp_path.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert_same(aq.resume(run.path), reference)


WITH_LITTLE_MEMORY = """
import resource, sys
import numpy as np
from pathlib import Path
import argmaxq as aq
from argmaxq.components.errors import UserError
from argmaxq.runs import checkpoint

folder, size = Path(sys.argv[1]), 300_000_000
def limit(more):
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.RLIM_INFINITY))

arrays = {"replay/obs": np.arange(size // 8), "params/w": np.ones((4, 4), np.float32).T}
limit(40_000_000)  # far less than a copy of the replay
checkpoint.save(folder, "state", arrays, {"step": 1})
checkpoint.save(folder, "state", arrays, {"step": 2})
print("saved")
try:
    checkpoint.load(folder / "state")
except UserError as problem:
    print(problem)
del arrays
limit(700_000_000)
print(checkpoint.load(folder / "state")[0]["replay/obs"][-1], checkpoint.verify(folder / "state"))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_checkpoint_is_written_without_a_copy_of_what_it_holds(tmp_path: Path) -> None:
    line = [sys.executable, "-c", WITH_LITTLE_MEMORY, str(tmp_path)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    saved, refused, loaded = done.stdout.splitlines()
    assert saved == "saved"
    assert "state/arrays.safetensors cannot be read: too little memory for its 300.0 MB; free some" in refused
    assert loaded == "37499999 {'step': 2}"


OUT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import argmaxq as aq
from argmaxq.cli.main import main
import jax; jax.numpy.zeros(3).block_until_ready()
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 1_500_000_000, resource.RLIM_INFINITY))
sys.exit(main(["train", "cartpole/dqn", "--steps", "1000", "--out", sys.argv[1], "--quiet",
    "--agent.replay.capacity", "200000000"]))
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_too_little_memory_for_a_replay_is_one_line(tmp_path: Path) -> None:
    line = [sys.executable, "-c", OUT_OF_MEMORY, str(tmp_path / "run")]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr[-2_000:]
    assert done.stderr.startswith("argmaxq: ")
    assert "memory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_line_cut_by_a_full_disk_is_no_row(tmp_path: Path) -> None:
    with room_afterwards(), pytest.raises(Unwritable):
        aq.train(CARTPOLE, out=tmp_path / "run", callbacks=[limited(1_001)])
    text = (tmp_path / "run" / "episodes.jsonl").read_text()
    whole = [json.loads(line) for line in text.split("\n") if line.endswith("}")]
    assert read(tmp_path / "run", "episodes") == whole
