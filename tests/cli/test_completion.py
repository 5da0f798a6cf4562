"""What a shell completes."""

import subprocess
from pathlib import Path

import pytest

from argmaxq.cli.completion import SHELLS
from support.commands import Command

TRY = """
source {script}
COMP_WORDS=({line})
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
COMP_LINE="{line}" COMP_POINT=${{#COMP_LINE}}
function=$(complete -p argmaxq | sed 's/.*-F \\([^ ]*\\).*/\\1/')
$function argmaxq "${{COMP_WORDS[COMP_CWORD]}}" "" 2>/dev/null
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
COMPLETED = {
    "argmaxq ev": {"evaluate"},
    "argmaxq train acro": {"acrobot/dqn", "acrobot/pqn"},
    "argmaxq train cartpole/dqn --agent.replay.al": {"--agent.replay.alpha", "--agent.replay.allocation"},
    "argmaxq train cartpole/dqn --agent.replay pri": {"prioritised"},
    "argmaxq train cartpole/dqn --agent.exploration ep": {"epsilon-greedy"},
    "argmaxq train dqn --env CartP": {"CartPole-v0", "CartPole-v1"},
    "argmaxq plot runs/one --what ph": {"phase"},
    "argmaxq evaluate runs/o": {"runs/one", "runs/other"},
    "argmaxq evaluate o": {"own"},
    "argmaxq report ''": {"runs/one", "runs/other", "runs/grid", "runs", "own"},
}


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from argmaxq.cli.completion import script
    from argmaxq.cli.verbs import VERBS

    path = tmp_path_factory.mktemp("completion") / "argmaxq"
    path.write_text(script("bash", {name: (verb.summary, verb.arguments) for name, verb in VERBS.items()}))
    return path


@pytest.mark.parametrize("line", COMPLETED)
def test_bash_completes_verbs_recipes_options_and_run_folders(line: str, script: Path, tmp_path: Path) -> None:
    for file in ("one/config.json", "other/config.json", "grid/study.json"):
        (tmp_path / "runs" / file).parent.mkdir(parents=True)
        (tmp_path / "runs" / file).touch()
    (tmp_path / "own").mkdir()
    asked = TRY.format(script=script, line=line)
    done = subprocess.run(["bash", "-c", asked], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert {found.strip() for found in done.stdout.split()} == COMPLETED[line]


@pytest.mark.parametrize("shell", SHELLS)
def test_there_is_a_script_for_each_shell(argmaxq: Command, shell: str) -> None:
    code, out, err = argmaxq("completion", shell)
    assert (code, err) == (0, "")
    assert all(word in out for word in ("evaluate", "cartpole/dqn", "agent.gamma"))
