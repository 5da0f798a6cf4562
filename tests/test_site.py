"""The site: whoever follows its guide comes to each page's end, its commands are some that there are, and it builds."""

from pathlib import Path

import pytest

from pages import DOCS, blocks, commands, followed, understood

GUIDE = sorted(page for pattern in ("index.md", "all-of-it.md", "guide/*.md", "from/*.md") for page in DOCS.glob(pattern))
TOLD = sorted(page for page in DOCS.rglob("*.md") if any(words[0] == "argmaxq" for words in commands(page)))
OF_OTHERS = ("pip", "python", "python3", "ls", "cat", ".")


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", GUIDE, ids=name)
def test_a_page_of_the_guide_runs_from_top_to_bottom(page: Path, tmp_path: Path) -> None:
    followed(page, tmp_path)


@pytest.mark.parametrize("page", TOLD, ids=name)
def test_each_command_is_one_that_there_is(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for block in filter(lambda block: block.file, blocks(page)):
        (tmp_path / block.file).write_text(block.text)
    monkeypatch.syspath_prepend(tmp_path)
    for words in commands(page):
        if words[0] == "argmaxq":
            understood(words[1:])
        else:
            assert words[0] in OF_OTHERS
