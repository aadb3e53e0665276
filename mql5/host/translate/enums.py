"""The runtime's enumerations as C++, from `runtime/enums.txt`."""

from __future__ import annotations

from mql5.host.translate.names import RUNTIME, read_enums

PLAIN = "-"


def header() -> str:
    """Return the text of `enums.hpp`: fixed underlying types, plain int constants, EnumToString."""
    out = [
        "#pragma once",
        "#include <cstdio>",
        '#include "types.hpp"',
        "// stdio's macros have the names and values of ENUM_FILE_POSITION.",
        *(f"#undef SEEK_{end}" for end in ("SET", "CUR", "END")),
        "namespace mql {",
    ]
    for name, members in read_enums(RUNTIME / "enums.txt").items():
        if name == PLAIN:
            out += [f"inline constexpr int {member} = {value};" for member, value in members]
        else:
            out.append(f"enum {name} : int {{ " + ", ".join(f"{m} = {v}" for m, v in members) + " };")
            out.append(f"string EnumToString(const {name} value);")
    return "\n".join([*out, "}  // namespace mql", ""])


def source() -> str:
    """Return the text of `enums.cpp`: the names of the values."""
    out = ['#include "enums.hpp"', "namespace mql {"]
    for name, members in read_enums(RUNTIME / "enums.txt").items():
        if name == PLAIN:
            continue
        out.append(f"string EnumToString(const {name} value) {{")
        out += [f'  if (value == {member}) return lit(u"{member}");' for member, _ in members]
        out.append(f'  return unnamed_enum(lit(u"{name}"), static_cast<int>(value));')
        out.append("}")
    return "\n".join([*out, "}  // namespace mql", ""])
