"""The command line: one module per group of commands; errors are one line for the person who typed."""

import sys

import typer

from rubi.cli import (
    audit,
    backups,
    checks,
    database,
    diagnosis,
    faults,
    history,
    keys,
    people,
    replay,
    running,
    terminal,
    testing,
    timescale,
)

app = typer.Typer(
    name="rubi",
    help="Rubi Studio: a MetaTrader 5 bridge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback with local values could show a secret
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (
    running,
    terminal,
    people,
    keys,
    audit,
    backups,
    database,
    timescale,
    history,
    replay,
    diagnosis,
    testing,
    faults,
    checks,
):
    module.register(app)


def main() -> None:
    """Run the command line; an error that has a cure is told in a line, a bug shows its traceback."""
    from rubi.cli.errors import told

    try:
        app(prog_name="./rubi")
    except Exception as error:
        if not isinstance(error, told()):
            raise
        print(f"rubi: {error}", file=sys.stderr)
        sys.exit(1)
