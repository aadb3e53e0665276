"""The table of denial codes in docs/risk.md, made of the codes themselves."""

from rubi.domain.risk.codes import DenialCode
from rubi.embedded.places import PROJECT_ROOT

DOCUMENT = PROJECT_ROOT / "docs" / "risk.md"
BEGIN, END = "<!-- codes: ./rubi check --write-codes -->", "<!-- end of codes -->"


def table() -> str:
    """Every code with its sentence, as Markdown, in the order in which the gates ask."""
    rows = [f"| `{code.value}` | {code.explanation} |" for code in DenialCode]
    return "\n".join(["| code | what it says |", "|---|---|", *rows])


def with_table(text: str) -> str:
    """The document with the table as it is now between its marks.

    Raises:
        ValueError: a mark is missing.

    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{DOCUMENT.name} has no {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def write() -> None:
    """Bring the document up to date."""
    DOCUMENT.write_text(with_table(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")


def problems() -> list[str]:
    """What is wrong with the document; nothing when the table is current."""
    text = DOCUMENT.read_text(encoding="utf-8")
    return [] if with_table(text) == text else ["docs/risk.md lacks a code as it is now: ./rubi check --write-codes"]
