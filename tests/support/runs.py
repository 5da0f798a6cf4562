"""Small trainings, runs of them in processes that can be killed, and the comparison of two run folders."""

import contextlib
import multiprocessing
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax

import argmaxq as aq
from argmaxq.agents.dqn import DQN
from argmaxq.agents.pqn import PQN
from argmaxq.agents.r2d2 import R2D2
from argmaxq.learning.exploration import EpsilonGreedy
from argmaxq.learning.parameters import OrnsteinUhlenbeck
from argmaxq.learning.schedules import Linear
from argmaxq.networks.mlp import MLP
from argmaxq.networks.recurrent import GRU, Recurrent
from argmaxq.replay.prioritised import Prioritised
from argmaxq.replay.uniform import Uniform
from argmaxq.runs import checkpoint
from argmaxq.runs.checkpoint_files import index_of

NETWORK = MLP((16, 16))
AGENT = DQN(
    network=NETWORK,
    exploration=EpsilonGreedy(Linear(1.0, 0.1, 1_000)),
    replay=Uniform(600),
    batch_size=16,
    rollout=4,
    learning_starts=100,
)
CARTPOLE = aq.Recipe(AGENT, steps=2_000, evaluation=aq.Evaluation(500, 3), checkpoint_every=250)
"""Learns little, but passes through everything: warm-up, a full replay, evaluations, several checkpoints."""
PRIORITISED = aq.replace(CARTPOLE, {"agent.replay": Prioritised(600), "agent.n_step": 3, "env.lanes": 2})
ROLLOUTS = PQN(network=MLP((16,), layer_norm=True), rollout=16, minibatches=4, epochs=2)
PARALLEL = aq.replace(CARTPOLE, {"agent": ROLLOUTS, "env.lanes": 8, "steps": 4_096})
DRAWING = aq.replace(
    PRIORITISED,
    {"agent.returns": "implicit-quantile", "agent.network.head": "implicit", "agent.network.layer": "noisy"}
    | {"agent.returns.quantiles": 4, "agent.returns.target_quantiles": 4, "agent.returns.value_quantiles": 4},
)
"""Noise and levels are drawn."""
REMEMBERING = aq.replace(
    CARTPOLE,
    {
        "env": aq.Env("Taxi-v4", mask="info", lanes=2),
        "agent": R2D2(
            network=Recurrent((8,), GRU(8)),
            replay=Prioritised(600),
            learning_starts=100,
            **{"burn_in": 2, "length": 8, "stride": 4, "batch_size": 8, "rollout": 8},
        ),
    },
)
"""A memory of episodes, and masks of actions."""
LANDER = aq.replace(CARTPOLE, {"env.id": "LunarLander-v3", "env.time_limit": 150, "agent.n_step": 3})
SMALLER = {
    "agent.critic.hidden": (16,),
    "agent.actor_network.hidden": (16,),
    "agent.parameter_exploration": OrnsteinUhlenbeck(),
    "agent.replay.capacity": 600,
    "agent.batch_size": 16,
    "agent.learning_starts": 100,
}
RUNS = {"steps": 2_000, "evaluation": aq.Evaluation(500, 3), "checkpoint_every": 250}
PLATFORM = aq.replace(aq.find("platform/mpdqn"), SMALLER | RUNS)
"""Actions with parameters, whose noise drifts on through checkpoints."""


class Crash(Exception):
    """What ends a training in the middle, in this process."""


def crash_at(step: int) -> Callable[[Any], object]:
    """A callback that raises an exception once so many env steps are done."""

    def callback(block: Any) -> None:
        if block.step >= step:
            raise Crash

    return callback


@contextlib.contextmanager
def killed_at(folder: Path, step: int) -> Iterator[list[Callable[[Any], object]]]:
    """Callbacks under which a run's folder is left as a kill would leave it at this block's end, or just after.

    What an exception saves on its way out is undone.
    """
    aside = folder.with_name(f"{folder.name}-killed")

    def callback(block: Any) -> None:
        if block.step >= step:
            shutil.copytree(folder, aside)
            raise Crash

    with contextlib.suppress(Crash):
        yield [callback]
        raise AssertionError("the run should have been killed")
    shutil.rmtree(folder)
    aside.rename(folder)


def crashed(recipe: aq.Recipe, folder: Path, step: int, **options: Any) -> aq.Run:
    """A run that was killed at a block's end, at this env step or just after."""
    with killed_at(folder, step) as callbacks:
        aq.train(recipe, out=folder, callbacks=callbacks, **options)
    return aq.Run(folder)


def contents(run: aq.Run) -> dict[str, Any]:
    """All that two equal runs have in common: records, policies, the final checkpoint; no times."""
    found: dict[str, Any] = {}
    for part in run.parts:
        found |= {f"{part.path.name}/{path.name}": path.read_bytes() for path in part.path.glob("*.jsonl")}
        found.pop(f"{part.path.name}/times.jsonl")
        found |= {f"{part.path.name}/{name}": saved(part.path / "checkpoints" / name) for name in ("best", "last")}
        found |= {f"{part.path.name}/{path.name}": saved(path) for path in newest(part)}
    found |= {path.name: saved(path) for path in newest(run)}
    return {name: value for name, value in found.items() if value}  # no evaluations: an empty file, or none


def newest(run: aq.Run) -> list[Path]:
    return checkpoint.checkpoints(run.path / "checkpoints")[-1:]


def saved(path: Path) -> tuple[bytes, Any, Any]:
    meta = checkpoint.verify(path)
    for name in ("seconds", "run"):  # of which no two runs have the same
        meta.pop(name, None)
    for track in meta.get("tracks", []):
        track["records"].pop("times")
    return (path / "arrays.safetensors").read_bytes(), index_of(path), meta


def assert_same(run: aq.Run, reference: aq.Run) -> None:
    """Both runs must have come to the same end, bit for bit."""
    ours, theirs = contents(run), contents(reference)
    assert {name.partition("/")[2] for name in theirs} > {"metrics.jsonl", "episodes.jsonl", "best", "last"}
    renamed = {name.replace(reference.path.name, run.path.name): value for name, value in theirs.items()}
    assert sorted(ours) == sorted(renamed), (sorted(ours), sorted(renamed))
    differing = [name for name in ours if ours[name] != renamed[name]]
    assert not differing, differing
    summary, other = run.summary, reference.summary
    assert summary["finished"]
    for name in ("seeds", "step", "best"):
        assert summary.get(name) == other.get(name)


def train_or_resume(recipe: aq.Recipe, folder: Path, options: dict[str, Any], cache: str) -> None:
    """What a killed process did and the one after it does."""
    jax.config.update("jax_compilation_cache_dir", cache)
    if (folder / "config.json").is_file():
        aq.resume(folder)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        aq.train(recipe, out=folder, **options)


class Victims:
    """Runs trainings in processes of their own, forked from one that has imported everything already."""

    def __init__(self, cache: Path, seed: int = 0) -> None:
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["argmaxq"])
        # A kill may leave half an entry in the compilation cache, so they have one of their own.
        self._cache, self._random = str(cache), random.Random(seed)

    def start(self, recipe: aq.Recipe, folder: Path, options: dict[str, Any]) -> Any:
        process = self._processes.Process(target=train_or_resume, args=(recipe, folder, options, self._cache))
        process.start()
        return process

    def finish(self, recipe: aq.Recipe, folder: Path, options: dict[str, Any]) -> aq.Run:
        process = self.start(recipe, folder, options)
        process.join()
        assert process.exitcode == 0
        return aq.Run(folder)

    def kill(self, recipe: aq.Recipe, folder: Path, options: dict[str, Any], seconds: float) -> str:
        """Start or resume, and kill within so many seconds or during a write; says what the kill hit."""
        process = self.start(recipe, folder, options)
        if self._random.random() < 0.5:
            self._await_write(process, folder, self._random.randrange(4))
            time.sleep(self._random.uniform(0, 0.004))
        else:
            process.join(self._random.uniform(0, seconds))
        process.kill()
        process.join()
        if process.exitcode == 0:
            return "nothing"
        assert process.exitcode == -9
        if not (folder / "config.json").is_file():
            return "nothing yet"
        if not checkpoint.checkpoints(folder / "checkpoints"):
            return "no checkpoint yet"
        return "a write" if list(folder.glob("checkpoints/*.partial")) else "training"

    def _await_write(self, process: Any, folder: Path, number: int) -> None:
        """Wait until a process writes a checkpoint, for the time ``number`` + 1."""
        writing = False
        while process.is_alive() and number >= 0:
            before, writing = writing, any(folder.glob("checkpoints/*.partial"))
            number -= writing and not before
            time.sleep(0.0003)
