"""Whoever follows the README from top to bottom comes to its end."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from argmaxq.cli.verbs import VERBS, given_values
from argmaxq.components.options import put, read
from argmaxq.recipes import recipes
from argmaxq.recipes.named import find
from argmaxq.recipes.starts.generic import STARTS
from readme import README, ROOT, blocks, commands

OURS = [shlex.split(line)[1:] for line in commands() if line.startswith("argmaxq ")]
SETTING_UP = "make "
"""Commands that set up a virtual environment: they are what every change has to pass anyway."""


def test_there_is_nothing_but_commands_and_python() -> None:
    assert {block.language for block in blocks()} == {"sh", "python"}
    assert all(line.split()[0] in ("make", ".", "argmaxq") for line in commands())
    assert len(OURS) > 12


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules that the README has its reader write."""
    for block in blocks():
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_each_command_is_one_that_there_is(words: list[str]) -> None:
    verb, *given = words
    options, rest = VERBS[verb].parser(verb).parse_known_args([word for word in given if word != "--help"])
    if verb == "resume":
        put(find(Path(options.run).name.replace("-", "/", 1)), read(rest))
    elif verb != "train":
        assert not rest
    elif options.recipe in STARTS:
        assert options.env
    else:
        put(find(options.recipe), given_values(options, rest))
        assert options.recipe in recipes()


def test_runs_are_named_that_were_trained_before() -> None:
    there: set[str] = set()
    for verb, *given in OURS:
        named = {word for word in given if word.startswith("runs/") and given[given.index(word) - 1] != "--out"}
        assert named <= there
        if verb == "train" and "--help" not in given:
            default = "runs/" + given[0].replace("/", "-")
            place = given[given.index("--out") + 1] if "--out" in given else default
            number = 1 + sum(each.startswith(default) for each in there)
            there.add(place if "--out" in given or number == 1 else f"{place}-{number}")


def test_what_it_links_to_and_shows_is_there_and_small() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text())
    assert all((ROOT / link).exists() for link in links if "://" not in link)
    shown, *_ = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text())
    assert (ROOT / shown).stat().st_size < 1_000_000
    assert any(shown in line for line in README.read_text().splitlines() if "argmaxq watch" in line)


def clone(place: Path) -> Path:
    """A copy of the files under version control, with a virtual environment that has this Python's packages."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    bin = place / ".venv" / "bin"
    bin.mkdir(parents=True)
    for name, module in (("argmaxq", "-m argmaxq"), ("python", "")):
        (bin / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {module} "$@"\n')
        (bin / name).chmod(0o755)
    (bin / "activate").write_text(f'export PATH="{bin}:$PATH" PYTHONPATH="{place / "src"}"\n')
    return place


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    place = clone(tmp_path / "argmaxq")
    script = ["set -e"]
    for number, block in enumerate(blocks()):
        if block.language == "sh":
            script += [line for line in block.lines if not line.startswith(SETTING_UP)]
        elif block.file:
            (place / block.file).write_text(block.text)
        else:
            (place / f"block_{number}.py").write_text(block.text)
            script.append(f"python block_{number}.py")
    script = [part for line in script for part in (f"echo {shlex.quote('$ ' + line)} >&2", line)]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], cwd=place, capture_output=True, text=True, check=False, env=dict(os.environ)
    )
    assert done.returncode == 0, done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith("$ ")]
    assert said == []
