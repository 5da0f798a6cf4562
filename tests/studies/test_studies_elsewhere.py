"""Studies that Ray or Slurm's stand-in train: the same table, also where a node is lost."""

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import argmaxq as aq
from argmaxq.studies.study import resume
from support.commands import command
from support.commands import study_words as words_of
from support.runs import CARTPOLE
from support.studied import be_killed

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
VARY = {"agent.replay.capacity": (300, 600), "agent.bootstrap": ("max", "double")}


def study_words(folder: Path) -> list[str]:
    """A study that takes long enough for a node to be lost in it."""
    return [*words_of(folder), "--steps", "12000"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The table of processes of this machine."""
    return _of_command(tmp_path_factory.mktemp("here") / "study")


def _of_command(folder: Path, *words: str) -> bytes:
    with command(*study_words(folder), *words) as process:
        out, err = process.communicate()
        assert process.returncode == 0, out + err
    return (folder / "table.csv").read_bytes()


@pytest.fixture
def cluster() -> Iterator[Any]:
    """A head without cores: what is trained is on other nodes."""
    utils = pytest.importorskip("ray.cluster_utils")
    made = utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield made
    made.shutdown()


def test_a_ray_cluster_of_this_machine(table: bytes, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    assert _of_command(tmp_path / "study", "--ray", "local") == table


def test_kills_under_ray_lose_nothing(table: bytes, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    folder = tmp_path / "study"
    be_killed(folder, study_words(folder), 20, random.Random(20), ("--ray", "local"))
    assert (folder / "table.csv").read_bytes() == table


def test_a_lost_node_costs_nothing(table: bytes, cluster: Any, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    nodes = [cluster.add_node(num_cpus=2)]
    with command(*study_words(folder), "--ray", cluster.address) as process:
        for number in range(2):  # lost once something is saved, and another one comes
            while not list(folder.glob(f"groups/{number:03d}/checkpoints/step-*")):
                assert process.poll() is None, process.communicate()
                time.sleep(0.02)
            cluster.remove_node(nodes.pop(), allow_graceful=False)
            nodes.append(cluster.add_node(num_cpus=2))
        out, err = process.communicate()
        assert process.returncode == 0, out + err
    assert (folder / "table.csv").read_bytes() == table
    assert any('"attempt": 2' in each.read_text() for each in folder.glob("groups/*/attempt.json"))


def test_a_cluster_without_cores_is_no_cause_to_wait(cluster: Any, tmp_path: Path) -> None:
    with command(*study_words(tmp_path / "study"), "--ray", cluster.address) as process:
        err = process.communicate()[1]
    assert process.returncode == 2
    assert "no node with a core" in err


def test_slurms_stand_in(tmp_path: Path) -> None:
    pytest.importorskip("submitit")
    here = aq.study(CARTPOLE, VARY, seeds=2, out=tmp_path / "here")
    jobs = aq.study(CARTPOLE, VARY, seeds=2, out=tmp_path / "jobs", slurm="local")
    assert (jobs.path / "table.csv").read_bytes() == (here.path / "table.csv").read_bytes()
    assert resume(jobs.path, slurm="local").finished
