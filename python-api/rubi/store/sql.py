"""SQL lives in `.sql` twins beside the modules: `-- name: lock_pending` starts a statement, `$1` is a parameter."""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statements(module_file: str) -> Mapping[str, str]:
    """The named statements of the `.sql` twin of a module, by name. Pass `__file__`."""
    twin = Path(module_file).with_suffix(".sql")
    parts = _NAME.split(twin.read_text(encoding="utf-8"))
    named = {name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    if len(named) * 2 != len(parts) - 1:
        raise ValueError(f"{twin.name} names a statement twice")
    return named
