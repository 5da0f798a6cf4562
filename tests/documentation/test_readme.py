"""Whoever follows the README from top to bottom comes to its end."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.documents import blocks, commands, followed, understood
from support.places import README, ROOT

OURS = [words[1:] for words in commands(README) if words[0] == "argmaxq"]


def test_there_is_nothing_but_commands_and_python() -> None:
    assert {block.language for block in blocks(README)} == {"sh", "python"}
    assert all(words[0] in ("make", ".", "argmaxq") for words in commands(README))
    assert len(OURS) > 12


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules that the README has its reader write."""
    for block in blocks(README):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    monkeypatch.syspath_prepend(tmp_path)


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_each_command_is_one_that_there_is(words: list[str]) -> None:
    understood(words)


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
    """A copy of the files under version control."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    names = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / name)
    return place


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_it_runs_from_top_to_bottom(tmp_path: Path) -> None:
    place = clone(tmp_path / "argmaxq")
    followed(README, place, root=place)
