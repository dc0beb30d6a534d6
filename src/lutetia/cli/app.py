"""The application: its groups of commands, and how an error reaches the user."""

from __future__ import annotations

import os
import sys

import typer

from .. import __version__
from ..core import LutetiaError
from . import dose, physics

app = typer.Typer(
    name="lutetia",
    help="Radioligand therapy: from the scanner's files to absorbed dose with its uncertainty. Research use, not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"lutetia {__version__}")
        raise typer.Exit


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version and stop.")) -> None:
    pass


for module in (dose, physics):
    module.register(app)


def run() -> None:
    """Run a command; a `LutetiaError` is printed as its sentence and ends with its exit code."""
    try:
        app()
    except LutetiaError as error:
        typer.echo(f"lutetia: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
