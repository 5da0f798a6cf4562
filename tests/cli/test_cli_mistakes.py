"""Every mistake on the command line is one line, and leaves nothing behind."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.commands import SMALL, Command

# Box2D's bindings crash the process if this warning of theirs is made an error.
pytestmark = pytest.mark.filterwarnings("ignore:builtin type:DeprecationWarning")
MISTAKES = {
    "trian cartpole/dqn": "there is no verb 'trian': did you mean train or track?",
    "train": "the following arguments are required: RECIPE; see argmaxq train --help",
    "train cartpol/dqn": "there is no recipe 'cartpol/dqn': did you mean cartpole/dqn or",
    "train rainbow": "there is no recipe 'rainbow': did you mean cartpole/rainbow or lunarlander/rainbow or",
    "train c51": "there is no recipe 'c51': did you mean cartpole/c51?",
    "train cartpole/dqn --agent.returns implicit-quantile": "and network.head = implicit go together: set both",
    "train cartpole/dqn --sead 3": "there is no option --sead: did you mean --seed?",
    "train cartpole/dqn --agent.gama 0.9": "there is no agent.gama: did you mean agent.gamma?",
    "train cartpole/dqn --gamma 0.9": "there is no gamma: did you mean agent.gamma?",
    "train cartpole/dqn --agent.replay prioritized": "prioritized is no replay: did you mean prioritised?",
    "train cartpole/dqn --agent.replay.alpha 1": "agent.replay is uniform; prioritised would have it",
    "train cartpole/dqn --agent.gamma 7": "agent.gamma = 7.0 is out of its range: it must be at least 0 and at most 1",
    "train cartpole/dqn --steps -5": "steps = -5 is out of its range: it must be at least 0",
    "train lunarlander/dqn --stop.episodes 101": "stop.episodes = 101 is out of its range: it must be at least 1",
    "train cartpole/dqn --agent.exploration.epsilon.end -3": "agent.exploration.epsilon comes to -3, out of its range",
    "resume \ud800": "is no run folder: 'utf-8' codec can't encode character",
    "check CartPole-v1 --kwargs=--": "argument --kwargs: expected one argument; see argmaxq check --help",
    "train cartpole/dqn --steps=": "steps = '': a whole number is needed",
    "train cartpole/dqn --env=": "environment '' cannot be made: Malformed environment ID",
    "train cartpole/dqn --steps many": "steps = 'many': a whole number is needed",
    "train cartpole/dqn --seeds 0": "seed = 0, seeds = 0: a seed is a whole number from 0 on; seeds is how many",
    "train cartpole/dqn --seeds 2147483648": "seeds = 2147483648: at most 10,000 in one run",
    "train cartpole/dqn --seed -1": "seed = -1, seeds = 1",
    "train cartpole/dqn --seed x": "argument --seed: 'x': a whole number is needed, such as 100000 or 100k; see",
    "train cartpole/dqn --seeds 1.5": "argument --seeds: '1.5': a whole number is needed",
    "train cartpole/dqn --steps 1.5": "steps = 1.5: a whole number is needed",
    "train cartpole/dqn --lr 1e-3": "there is no lr: did you mean agent.optimiser.learning_rate?",
    "train cartpole/dqn --learning-rate 1e-3": "did you mean agent.optimiser.learning_rate?",
    "train cartpole/dqn --agent.lr 1e-3": "did you mean agent.optimiser.learning_rate?",
    "train frozenlake/q --lr 1e-3": "there is no lr: did you mean agent.step_size?",
    "train cartpole/dqn --total-timesteps 10": "did you mean steps?",
    "train cartpole/dqn --buffer-size 10": "did you mean agent.replay.capacity?",
    "train cartpole/pqn --buffer-size 10": "here it is agent.replay.capacity, but agent is pqn; dqn and",
    "train cartpole/dqn --num-envs 10": "did you mean env.lanes?",
    "train cartpole/dqn --env-id CartPole-v1": "did you mean env.id?",
    "train cartpole/dqn --env-lanes 2": "there is no env_lanes: did you mean env.lanes?",
    "train cartpole/dqn --agent-optimiser-learning-rate 1": "did you mean agent.optimiser.learning_rate?",
    "train cartpole/dqn --exploration-fraction 0.1": "did you mean agent.exploration.epsilon.duration?",
    "train cartpole/dqn --target-network-frequency 500": "did you mean agent.sync.period?",
    "train cartpole/dqn --tau 0.1": "here it is agent.sync.tau, but agent.sync is periodic; polyak would have it",
    "train cartpole/dqn --prioritized-replay-alpha 1": "agent.replay is uniform; prioritised would have it",
    "train cartpole/dqn --q-lambda 1": "here it is agent.trace_decay, but agent is dqn; pqn and recurrent-pqn",
    "train cartpole/dqn --seed-count 3": "there is no option --seed-count: did you mean --seeds?",
    "train cartpole/dqn --exp-name x": "there is no option --exp-name: did you mean --out?",
    "train cartpole/dqn --cuda": "there is no option --cuda: did you mean --device?",
    "train dqn --env Pong-v5": "did you mean ALE/Pong-v5?",
    "train dqn --env cartpole-v1": "is not registered: did you mean CartPole-v1",
    "train dqn --env LunarLandar-v2": "is not registered: did you mean LunarLander-v3",
    "train dqn --env MiniGrid-Empty-v0": "one of a package is named module:Id",
    "train dqn --env a:b:c": "environment 'a:b:c': a module and an id are written module:Id",
    "train dqn --env :": "environment ':': a module and an id are written module:Id",
    """train frozenlake/q --env.kwargs '{"map_name":"9x9"}'""": "does not take these arguments, {'map_name': '9x9'}:",
    """train dqn --env LunarLander-v3 --env.kwargs '{"gravity": 5}'""": "AssertionError: gravity (current value: 5)",
    f"train {'x' * 300}": "there is no recipe 'xxx",
    f"train dqn --env {'x' * 300}": "is not registered",
    f"train cartpole/dqn --out {'x' * 300}": "no folder can be made there (File name too long)",
    f"evaluate {'x' * 300}": "is no run folder: it does not exist",
    f"compare {'x' * 300}": "is no run folder: it does not exist",
    f"report {'x' * 300}": "is no run folder: it does not exist",
    f"resume {'x' * 300}": "is no run folder: it does not exist",
    f"check x --kwargs {'[' * 5_000}": "it must be a JSON object",
    f"train cartpole/dqn --env.kwargs {'[' * 5_000}": "env.kwargs = ",
    "list wibble": "nothing that is listed holds 'wibble': argmaxq list shows all",
    "completion csh": "there is no shell 'csh' to complete lines in: did you mean",
    "train cartpole/dqn --engine fast": "engine = 'fast': it must be auto, compiled or host",
    "train cartpole/dqn 5": "'5' belongs to no option: options are written --path value",
    "train cartpole/dqn --device abacus": "device = 'abacus': there is no such device here; there are cpu",
    "train cartpole/dqn --device cpu:99": "device = 'cpu:99': there is no such device here; there are cpu",
    "train cartpole/dqn --env Pendulum-v1": "continuous: no agent here fits; an actor-critic such as SAC does",
    "train cartpole/dqn --env Unfit-v0": "5,600 combinations, of which this agent would need a value each: bdq fits",
    "train cartpole/dqn --env CartPol-v1": "'CartPol-v1' is not registered: did you mean CartPole-v1",
    "train cartpole/dqn --agent.replay.capacity 3": "agent.replay.capacity = 3 is too small",
    "train platform/mpdqn --agent.prior 0.1 0.2": "agent.prior has 2 numbers; the actions have 3 parameters",
    "train platform/mpdqn --agent.prior nan 0 0": "agent.prior[0] = nan: a number is needed",
    "train platform/mpdqn --agent.prior inf 0 0": "agent.prior[0] = inf is out of its range",
    "train platform/mpdqn --agent.critic quadratic --agent.critic.hidden 0": "agent.critic.hidden[0] = 0 is out of",
    "train platform/mpdqn --agent.network mlp": "there is no agent.network: did you mean agent.actor_network?",
    "train platform/mpdqn --env CartPole-v1": "these actions have no parameters: an agent such as dqn or pqn fits",
    "train platform/paddpg --env CartPole-v1": "these actions have no parameters: an agent such as dqn or pqn fits",
    "train platform/paddpg --agent.critic ensemble": "agent: critic = ensemble: the actor climbs one critic",
    "train cartpole/dqn --env argmaxq/Platform-v0": "have parameters, which this agent cannot choose",
    "train lunarlander/dqn --engine compiled": "no compiled form here: use --engine host or auto",
    "train dqn": "dqn is a start for any environment: name one, as in argmaxq train dqn --env CartPole-v1",
    "train dqn --env": "argument --env: expected one argument",
    "train dqn --env ''": "environment '' cannot be made: Malformed environment ID",
    "train dqn --env CartPole-v1 --agent.gama 1": "there is no agent.gama: did you mean agent.gamma?",
    "train dqn --env CartPole-v1 --agent.gamma 7": "agent.gamma = 7.0 is out of its range",
    "train dqn --env CartPole-v1 --steps ''": "steps = '': a whole number is needed",
    "train dqn --env Pendulum-v1": "continuous: no agent here fits; an actor-critic such as SAC does",
    "train dqn --env argmaxq/Platform-v0": "dqn does not fit argmaxq/Platform-v0: its actions have parameters; pdqn",
    "train pqn --env argmaxq/Platform-v0": "its actions have parameters; pdqn fits",
    "train td --env argmaxq/Platform-v0": "its actions have parameters; pdqn fits",
    "train pdqn --env CartPole-v1": "pdqn does not fit CartPole-v1: its actions have no parameters; dqn fits",
    "train td --env LunarLander-v3": "its observations of 8 numbers fit neither a table nor tiles; dqn fits",
    "train dqm --env CartPole-v1": "there is no recipe 'dqm': did you mean",
    "resume nothing": "nothing is no run folder: it does not exist",
    "resume .": ". is no run folder: it has no config.json",
    "resume nothing --steps": "argument --steps: expected one argument; see argmaxq resume --help",
    "evaluate nothing": "nothing is no run folder: it does not exist",
    "evaluate nothing --episods 3": "argmaxq evaluate knows no --episods: did you mean --episodes",
    "watch nothing --video a.mp4": "nothing is no run folder: it does not exist",
    "check CartPole-v1 --kwargs [1]": "--kwargs [1]: it must be a JSON object, such as '{\"continuous\": false}'",
    "check CartPole-v1 --kwargs {": "--kwargs {: it must be a JSON object",
}


@pytest.mark.parametrize("command", MISTAKES)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(argmaxq: Command, tmp_path: Path, command: str) -> None:
    code, out, err = argmaxq(*shlex.split(command))
    assert (code, out) == (2, "")
    assert re.fullmatch(r"argmaxq: .*\n", err)
    assert MISTAKES[command] in err
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--checkpoint", "77"], r"argmaxq: .* has no checkpoint 77: there are best, last, 800, 1200\n"),
        (["--checkpoint", "first"], r"argmaxq: .* has no checkpoint first: there are best, last, 800, 1200\n"),
        (["--episodes", "0"], r"argmaxq: episodes = 0: at least one is needed, and at most 10,000,000\n"),
        (["--seed", "-1"], r"argmaxq: seed = -1: it must be at least 0\n"),
    ],
)
def test_evaluating_what_is_not_there_says_what_is(argmaxq: Command, trained: str, options: Any, line: str) -> None:
    code, out, err = argmaxq("evaluate", trained, *options)
    assert (code, out) == (2, "")
    assert re.fullmatch(line, err)


def test_an_existing_folder_is_never_overwritten(argmaxq: Command, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    (tmp_path / "file").write_text("more")
    for out in ("mine", "file"):
        code, _, err = argmaxq("train", *SMALL, "--out", out)
        assert code == 2
        assert err == f"argmaxq: {out} exists and is not overwritten: choose another --out, or resume it\n"
    assert {path.name for path in tmp_path.rglob("*")} == {"mine", "thesis.txt", "file"}
    code, _, err = argmaxq("train", *SMALL, "--out", "file/below")
    assert (code, err.count("\n")) == (2, 1)
    assert "no folder can be made there" in err


def test_a_file_where_a_folder_is_expected(argmaxq: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for verb in ("evaluate", "resume", "watch", "plot"):
        code, _, err = argmaxq(verb, "file")
        assert (code, err) == (2, "argmaxq: file is no run folder: it is a file\n")
    code, _, err = argmaxq("evaluate", "file/below")
    assert (code, err) == (2, "argmaxq: file/below is no run folder: it does not exist\n")


@pytest.mark.parametrize("name", ["x" * 300 + ".mp4", "file/a.mp4"])
def test_a_film_that_cannot_be_written_is_told_in_a_line(
    argmaxq: Command, trained: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("mine")
    code, _, err = argmaxq("watch", trained, "--video", name)
    assert (code, err.count("\n"), len(err) < 400) == (2, 1, True)
    assert "cannot be written" in err


def test_one_seed_of_many_is_resumed_as_a_whole(argmaxq: Command, seeds: str) -> None:
    code, _, err = argmaxq("resume", f"{seeds}/seed-1")
    assert (code, err.endswith(f"resumed as a whole: resume {seeds}\n")) == (2, True)


def test_the_real_commands_say_the_same(tmp_path: Path) -> None:
    script = str(Path(sys.executable).with_name("argmaxq"))
    for command in ([script], [sys.executable, "-m", "argmaxq"]):
        done = subprocess.run([*command, "trian"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "argmaxq: there is no verb 'trian': did you mean train or track?\n"
