"""Engines without a driver: agents trained on FuncEnvs for so many iterations."""

from typing import Any

import numpy as np

from argmaxq.domains.cartpole import CartPole
from argmaxq.lanes.compiled import CompiledEnv
from argmaxq.lanes.func_lanes import FuncLanes
from argmaxq.roles import Agent
from argmaxq.runs.report import Report
from argmaxq.training.engines.compiled import CompiledEngine
from argmaxq.training.engines.engine import Engine
from argmaxq.training.engines.host import HostEngine
from samples.probes import Probe

CARTPOLE = CompiledEnv(CartPole(), 500)


def compiled_engine(agent: Agent, env: CompiledEnv = CARTPOLE, lanes: int = 1, seeds: tuple[int, ...] = (0,)) -> Any:
    return CompiledEngine(agent, env, lanes, seeds)


def host_engine(agent: Agent, env: CompiledEnv = CARTPOLE, lanes: int = 1, seeds: tuple[int, ...] = (0,)) -> Any:
    def no_evaluation(*_: Any) -> Any:
        raise AssertionError("nothing is evaluated here")

    return HostEngine(agent, FuncLanes(env, lanes), *seeds, no_evaluation)


ENGINES = {"compiled": compiled_engine, "host": host_engine}


TOTAL = 100_000
"""Env steps that a run is to have where schedules that count shares of it do not matter."""


def train(engine: Engine, iterations: int, block: int | None = None) -> tuple[Any, list[list[Report]]]:
    """The state after so many iterations, and the reports of each block of them."""
    state, reports, done = engine.start(), [], 0
    block = block or engine.length
    while done < iterations:
        following = min(iterations, done + block)
        state, report = engine.run(state, done, following, TOTAL)
        reports.append(report)
        done = following
    return state, reports


def outcome(state: Any) -> Any:
    """What two engines must agree upon: learner (parameters, optimiser, replay) and the running account."""
    return state.learner, state.episodes, state.totals


def plain(reports: list[list[Report]], seed: int = 0) -> list[Any]:
    """Reports as values that compare bit for bit."""
    mine = [block[seed] for block in reports]
    return [(r.step, r.updates, [leaf.tolist() for leaf in r.episodes], r.metrics) for r in mine]


def probe_env(probe: Probe) -> CompiledEnv:
    return CompiledEnv(probe.env(), probe.time_limit)


def values(agent: Any, params: Any, observations: np.ndarray) -> np.ndarray:
    """Action values [m, actions]."""
    return np.array([agent.values(params, obs) for obs in observations])
