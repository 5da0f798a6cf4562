"""What is written in pictures, and records of losses to draw."""

from pathlib import Path
from xml.etree import ElementTree

from argmaxq.runs.records import Records


def texts(svg: Path) -> list[str]:
    """What is written in a picture: Matplotlib puts each text into a comment beside its outlines."""
    parser = ElementTree.XMLParser(target=ElementTree.TreeBuilder(insert_comments=True))
    tree = ElementTree.parse(svg, parser)
    return [str(node.text).strip() for node in tree.iter() if node.tag is ElementTree.Comment]


def metrics(folder: Path, *losses: float, **others: float) -> Path:
    folder.mkdir(parents=True)
    records = Records(folder)
    rows = [{"step": 100 * number, "loss": loss, **others} for number, loss in enumerate(losses, start=1)]
    records.append("metrics", [{"step": 0, "epsilon": 1.0}, *rows])
    records.flush()
    return folder
