"""The pages about algorithms and environments, and those for who comes from elsewhere, say what is true."""

import re
import shlex
from pathlib import Path

import pytest

from argmaxq.components.registry import candidates, is_ours
from argmaxq.roles import Agent
from support import page_facts as facts
from support.places import DOCS, ROOT

ROOMS = ("algorithms", "environments", "from")
ALONE = (DOCS / "faq.md", DOCS / "glossary.md")
PAGES = (*ALONE, *sorted(page for room in ROOMS for page in (DOCS / room).rglob("*.md")))
FILM = re.compile(r"!\[[^]]*\]\((films/[^)]+)\)")
LARGEST_FILM = 150_000
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))


@each_page
def test_what_a_page_quotes_links_to_and_shows_is_there(page: Path) -> None:
    text = page.read_text()
    for source, excerpt in facts.EXCERPT.findall(text):
        assert facts.stands(excerpt, (ROOT / source).read_text()), excerpt
    for link in facts.LINK.findall(text):
        assert "://" in link or (page.parent / link).exists(), link
    for film in FILM.findall(text):
        assert (page.parent / film).stat().st_size < LARGEST_FILM
        assert any(film.rpartition("/")[2] in line for line in facts.commands(page) if line.startswith("argmaxq watch"))


@each_page
def test_a_page_asks_for_no_run_that_it_did_not_train(page: Path) -> None:
    there: set[str] = set()
    for line in facts.commands(page):
        verb, *given = shlex.split(line)[1:]
        if verb in ("train", "study"):
            usual = f"runs/{given[0].replace('/', '-')}"
            there.add(given[given.index("--out") + 1] if "--out" in given else usual)
        elif verb != "watch":  # a film stands above what it is a film of
            assert {word for word in given if word.startswith("runs/")} <= there, line


def test_every_agent_and_every_environment_has_a_page() -> None:
    agents, environments = ((DOCS / room / "index.md").read_text() for room in ROOMS[:2])
    for agent in (name for name, kind in candidates(Agent).items() if is_ours(kind)):
        assert re.search(rf"^\| `{agent}` \|.*\]\([\w-]+\.md\)", agents, re.MULTILINE), agent
    for id in facts.IDS:
        assert f"`{id}`" in environments, id


@pytest.mark.filterwarnings("ignore:.*is out of date")
@pytest.mark.parametrize("id", facts.IDS)
def test_the_spaces_that_a_page_writes_of_an_environment_are_true(id: str) -> None:
    if "MinAtar" in id:
        pytest.importorskip("pgx")
    (page,) = [page for page in (DOCS / "environments").glob("*.md") if f"\n| `{id}` | `" in page.read_text()]
    lines = page.read_text().splitlines()
    assert facts.spaces_row(id) in lines
    first, *others = facts.entry_rows(id) or [""]
    if first in lines:
        assert lines[lines.index(first) + 1 :][: len(others)] == others
