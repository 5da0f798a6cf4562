"""Pages of the site made of the notebooks in examples/notebooks, as they were executed: ``python tools/lessons.py``.

A cell of text is Markdown already. A cell of code is followed by what it printed and drew; pictures become files.
"""

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "examples" / "notebooks"
OUT = ROOT / "docs" / "lessons"
LESSON = re.compile(r"(\]\([^)\s:]+)\.ipynb\b")
PAGE = "](../../docs/"
FILE = re.compile(r"\]\((data/[^)\s]+)\)")
FOLDED = re.compile(r"<details(?![^>]*markdown)")
ENDINGS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/svg+xml": "svg"}


def text(source: str | list[str]) -> str:
    """What a notebook keeps as a string, or as its lines."""
    return source if isinstance(source, str) else "".join(source)


def prose(source: str) -> str:
    """A cell of text for the site: links lead to pages, files come along, and what is folded away is Markdown, too."""
    for name in FILE.findall(source):
        (OUT / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(NOTEBOOKS / name, OUT / name)
    return FOLDED.sub('<details markdown="1"', LESSON.sub(r"\1.md", source).replace(PAGE, "](../"))


def fenced(language: str, content: str) -> str:
    """A block of code, or of what was printed."""
    return f"```{language}\n{content.rstrip()}\n```"


def shown(output: dict[str, Any], picture: Path) -> str:
    """One output of a cell as Markdown; its picture, if it is one, is written to ``picture`` with the kind's ending."""
    if output["output_type"] == "stream":
        return fenced("text", text(output["text"]))
    data = output.get("data", {})
    for kind in filter(data.__contains__, ENDINGS):
        content = text(data[kind])
        file = picture.with_suffix("." + ENDINGS[kind])
        file.write_bytes(content.encode() if kind.endswith("xml") else base64.b64decode(content))
        return f"![A figure]({file.relative_to(OUT)})"
    if "text/html" in data:
        return '<div class="output">' + re.sub(r"\n\s*\n", "\n", text(data["text/html"])) + "</div>"
    return fenced("text", text(data.get("text/plain", "")))


def parts(notebook: dict[str, Any], pictures: Path) -> Iterator[str]:
    """A notebook's cells and their outputs as Markdown."""
    for number, cell in enumerate(notebook["cells"]):
        source = text(cell["source"])
        if cell["cell_type"] == "markdown":
            yield prose(source)
        elif cell["cell_type"] == "code" and source.strip():
            yield fenced("python", source)
            for place, output in enumerate(cell["outputs"]):
                yield shown(output, pictures / f"{number}-{place}")


def page(path: Path) -> str:
    """A notebook as a page; its pictures are written beside."""
    pictures = OUT / path.stem
    pictures.mkdir()
    where = f"*This page is the notebook `{path.relative_to(ROOT)}`, as it was executed.*"
    title, *rest = parts(json.loads(path.read_text("utf-8")), pictures)
    return "\n\n".join([title, where, *rest]) + "\n"


def main() -> None:
    """Write all pages anew."""
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir()
    overview = NOTEBOOKS / "README.md"
    if overview.exists():
        (OUT / "index.md").write_text(prose(overview.read_text("utf-8")), "utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        (OUT / f"{path.stem}.md").write_text(page(path), "utf-8")


if __name__ == "__main__":
    main()
