"""Split an SQL script into its statements, for scripts that may not run inside one transaction."""

import re

# One token: a comment, a quoted thing in which a semicolon means nothing, or a semicolon. Nested block comments are
# counted by hand, the pattern only finds where they begin.
_TOKEN = re.compile(
    r"""
      (?P<line>--[^\n]*)
    | (?P<block>/\*)
    | (?P<escape>\b[eE]'(?:[^'\\]|\\.|'')*')
    | (?P<string>'(?:[^']|'')*')
    | (?P<name>"(?:[^"]|"")*")
    | (?P<dollar>(?<![\w$])\$(?P<tag>(?:[A-Za-z_\x80-\uffff][\w\x80-\uffff]*)?)\$.*?\$(?P=tag)\$)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")


def split(script: str) -> list[str]:
    """Return the statements of `script` without comments-only ones; SQL-standard `BEGIN ATOMIC` bodies are not known.

    A semicolon inside a string, a quoted name, a dollar-quoted body or a comment does not end a statement.
    """
    statements: list[str] = []
    begin = position = 0
    says_something = False
    while match := _TOKEN.search(script, position):
        says_something = says_something or script[position : match.start()].strip() != ""
        position = match.end()
        if match["block"]:
            position = _after_block_comment(script, position)
        elif match["end"]:
            if says_something:
                statements.append(script[begin : match.start()].strip())
            begin, says_something = position, False
        elif not match["line"]:
            says_something = True
    if says_something or script[position:].strip():
        statements.append(script[begin:].strip())
    return statements


def _after_block_comment(script: str, position: int) -> int:
    depth = 1
    while depth and (edge := _BLOCK_EDGE.search(script, position)):
        depth += 1 if edge[0] == "/*" else -1
        position = edge.end()
    return len(script) if depth else position
