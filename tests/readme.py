"""The README as a user follows it: its commands and Python blocks in order."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# (\w+\.py)\n")


class Block(NamedTuple):
    """A block of code: its language, and its text."""

    language: str
    text: str

    @property
    def lines(self) -> list[str]:
        """Commands of a shell block, without what is said of them."""
        return [line.partition("  #")[0].strip() for line in self.text.splitlines() if line.strip()]

    @property
    def file(self) -> str:
        """What a Python block that is a file is called; empty for one that is run."""
        match = NAMED.match(self.text)
        return match[1] if match else ""


def blocks() -> list[Block]:
    return [Block(*found) for found in FENCE.findall(README.read_text())]


def commands() -> list[str]:
    """All shell commands, in order."""
    return [line for block in blocks() if block.language == "sh" for line in block.lines]
