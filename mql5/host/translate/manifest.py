"""What a terminal would show of the program: properties, inputs, handlers, files."""

from __future__ import annotations

from typing import Any

from mql5.host.translate.checks import HANDLERS
from mql5.host.translate.lexer import unescape
from mql5.host.translate.preprocess import Source
from mql5.host.translate.syntax import Function, Group, Outline, Variable


def manifest(source: Source, outline: Outline) -> dict[str, Any]:
    """Return the JSON-ready description of the program."""
    inputs: list[dict[str, Any]] = []
    group = None
    for item in outline.items:
        if isinstance(item, Group):
            group = item.title
        elif isinstance(item, Variable) and {"input", "sinput"} & set(item.words):
            one = item.names[0]
            value = " ".join(unescape(t.text, t.place) if t.kind == "string" else t.text for t in one.value or [])
            inputs.append({"name": one.name.text, "type": item.type.text, "default": value, "group": group})
    return {
        "properties": source.properties,
        "inputs": inputs,
        "enums": {e.name.text: [member.text for member, _ in e.members] for e in outline.enums()},
        "handlers": [
            f.name.text for f in outline.all(Function) if f.owner is None and f.body and f.name.text in HANDLERS
        ],
        "files": source.files,
    }
