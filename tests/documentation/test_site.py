"""The site: whoever follows its guide comes to each page's end, its commands are some that there are, and it builds."""

import inspect
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import argmaxq as aq
from support.browser import Browser
from support.documents import blocks, commands, followed, understood
from support.places import DOCS, ROOT
from support.tiers import quick_ones

FOLLOWED = ("index.md", "all-of-it.md", "guide/*.md", "from/*.md")
GUIDE = sorted(page for pattern in FOLLOWED for page in DOCS.glob(pattern))
QUICK = ("guide/tips.md", "guide/which-agent.md", "index.md")
"""Pages that are followed each time; the others take minutes together."""
WRITTEN = [page for page in DOCS.rglob("*.md") if DOCS / "lessons" not in page.parents]  # those are made of notebooks
TOLD = sorted(page for page in WRITTEN if any(words[0] == "argmaxq" for words in commands(page)))
OF_OTHERS = ("pip", "python", "python3", "ffmpeg", "cat", ".")


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", quick_ones(map(name, GUIDE), QUICK))
def test_a_page_of_the_guide_runs_from_top_to_bottom(page: str, tmp_path: Path) -> None:
    followed(DOCS / page, tmp_path)


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


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site, as `make docs` makes it, of a copy of what it is made of."""
    pytest.importorskip("zensical")
    root = tmp_path_factory.mktemp("site")
    for folder in ("docs", "tools", "examples/notebooks"):
        if (ROOT / folder).exists():
            shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("lessons", "runs"))
    shutil.copy(ROOT / "mkdocs.yml", root)
    (root / "src").symlink_to(ROOT / "src")
    for words in (["tools/lessons.py"], ["-m", "zensical", "build", "--strict"]):
        done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    return root / "build" / "site"


def test_every_link_and_page_is_there(site: Path) -> None:
    root = site.parents[1]
    checker = [sys.executable, "tools/check_site.py"]
    done = subprocess.run(checker, cwd=root, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    (site / "index.html").write_text(
        '<a href="nothing.html">a</a> <a href="glossary.html#none">b</a> <script src="https://example.org/a.js"></script>'
    )
    done = subprocess.run(checker, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "index.html: nothing.html is not there",
        "index.html: glossary.html#none has no such anchor",
        "index.html: <script> fetches https://example.org/a.js",
    ]
    (root / "docs" / "nowhere.md").write_text("A page that no one finds.")
    (root / "docs" / "faq.md").unlink()
    done = subprocess.run(checker, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "mkdocs.yml: nav names faq.md, which is not there",
        "docs/nowhere.md: no entry of nav in mkdocs.yml",
    ]


@pytest.mark.skipif(not (DOCS / "reference").exists(), reason="there is no reference")
def test_the_reference_shows_signatures(site: Path) -> None:
    """The build succeeds also where no docstring is rendered."""
    texts = [page.read_text("utf-8") for page in (site / "reference").rglob("*.html")]
    (text,) = [text for text in texts if re.search(r'id="argmaxq\.(verbs\.train\.)?train"', text)]
    shown = re.sub(r"<[^>]+>", "", text)
    assert all(f"{parameter}:" in shown for parameter in inspect.signature(aq.train).parameters)


def shown(chromium: Browser, page: Path) -> list[Any]:
    """How many formulas a page has, how many are drawn, and how many KaTeX does not understand."""
    chromium.open(page)
    found = chromium.run("['.arithmatex', '.katex', '.katex-error'].map(x => document.querySelectorAll(x).length)")
    assert chromium.complaints() == []
    return list(found)


def test_pages_open_from_a_folder_and_ask_no_network_for_anything(site: Path, chromium: Browser) -> None:
    formulas = [page for page in site.rglob("*.html") if 'class="arithmatex"' in page.read_text("utf-8")]
    assert len(formulas) > 3
    for page in formulas:
        there, drawn, wrong = shown(chromium, page)
        assert (there, 0) == (drawn, wrong), page
    assert shown(chromium, site / "all-of-it.html")[1:] == [0, 0]


def wait_for(chromium: Browser, condition: str) -> None:
    """Ask until a condition holds in the page, for 20 seconds at most."""
    until = time.monotonic() + 20
    while not chromium.run(condition):
        assert time.monotonic() < until, condition
        time.sleep(0.1)


def test_search_finds_a_word_without_a_server(site: Path, chromium: Browser) -> None:
    chromium.open(site / "guide" / "tips.html")
    inside = "[...document.querySelectorAll('*')].map(x => x.shadowRoot).filter(Boolean)"
    chromium.run("document.querySelector('.md-search__button').click()")
    wait_for(chromium, f"{inside}.some(x => x.activeElement !== null)")
    chromium.call("Input.insertText", text="thermostat")
    wait_for(chromium, f"{inside}.some(x => x.textContent.includes('Your own environment'))")
    assert chromium.complaints() == []
