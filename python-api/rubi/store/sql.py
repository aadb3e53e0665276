"""SQL lives in `.sql` twins beside the modules: `-- name: lock_pending` starts a statement, `$1` is a parameter.

`-- part: waiting` starts a text that several statements share: it stands where one below it says `{waiting}`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

_NAME = re.compile(r"^-- (name|part): (\w+)$", re.MULTILINE)
_PART = re.compile(r"\{(\w+)\}")


def statements(module_file: str) -> Mapping[str, str]:
    """The named statements of the `.sql` twin of a module, by name. Pass `__file__`."""
    twin = Path(module_file).with_suffix(".sql")
    pieces = _NAME.split(twin.read_text(encoding="utf-8"))
    texts: dict[str, str] = {}
    for name, text in zip(pieces[2::3], pieces[3::3], strict=True):
        if name in texts:
            raise ValueError(f"{twin.name} names a statement twice")
        texts[name] = _PART.sub(lambda part: texts[part[1]], text.strip().rstrip(";"))
    return {name: texts[name] for kind, name in zip(pieces[1::3], pieces[2::3], strict=True) if kind == "name"}
