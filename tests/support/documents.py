"""Pages as their readers follow them: commands, files and Python blocks of the README and of the guide, in order."""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

from argmaxq.cli.given import given_values
from argmaxq.cli.verbs import VERBS
from argmaxq.components.options import put, read
from argmaxq.recipes import recipes
from argmaxq.recipes.named import find
from argmaxq.recipes.starts.generic import STARTS
from support.places import ROOT, TESTS

FENCE = re.compile(r"^( *)```(\w+)[^\n]*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w/]+\.py)\n")
NEEDS = re.compile(r"# needs ([^\n]+)\n")
"""The first line of a block that is shown and not run: what it needs that not everyone has."""


class Block(NamedTuple):
    """A block of code: its language, and its text."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Commands of a shell block, without what is said of them."""
        lines = (line.partition("  #")[0].strip() for line in self.text.splitlines())
        return [line for line in lines if line and not line.startswith("#")]

    @property
    def file(self) -> str:
        """What a Python block that is a file is called; empty for one that is run."""
        match = NAMED.match(self.text)
        return match[1] if match else ""

    @property
    def needs(self) -> str:
        """What a block needs that is not run for lack of it; empty for all others."""
        match = NEEDS.match(self.text)
        return match[1] if match else ""


def blocks(page: Path) -> list[Block]:
    """All of a page's blocks in a language, also those in a tab or a note."""
    return [Block(language, textwrap.dedent(text)) for _, language, text in FENCE.findall(page.read_text("utf-8"))]


def commands(page: Path) -> list[list[str]]:
    """The words of all of a page's shell commands, in order."""
    return [shlex.split(line) for block in blocks(page) if block.language == "sh" for line in block.lines]


def understood(words: list[str]) -> None:
    """The command line takes these words, those after ``argmaxq``, as far as can be said without running them."""
    verb, *given = words
    options, rest = VERBS[verb].parser(verb).parse_known_args([word for word in given if word != "--help"])
    if verb == "resume" and rest:
        put(find(Path(options.run).name.replace("-", "/", 1)), read(rest))
    elif verb != "train":
        assert not rest
    elif options.recipe in STARTS:
        assert options.env
    else:
        put(find(options.recipe), given_values(options, rest))
        assert options.recipe in recipes()


def followed(page: Path, place: Path, root: Path = ROOT) -> list[str]:
    """What was printed when a reader followed the page in the folder ``place``, with the sources of ``root``."""
    done = subprocess.run(
        [sys.executable, "-m", "support.follow", str(page)],
        cwd=place,
        env=os.environ | {"PYTHONPATH": f"{root / 'src'}{os.pathsep}{TESTS}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2_000:] + done.stderr
    assert done.stderr == ""
    return done.stdout.splitlines()
