"""The application: its groups of commands, and how an error reaches the user."""

from __future__ import annotations

import errno
import os
import signal
import sys
import warnings
from pathlib import Path
from typing import NoReturn

import typer

from .. import __version__
from ..core import LutetiaError
from . import (
    agents,
    batch,
    biology,
    cells,
    cluster,
    compare,
    dose,
    irradiate,
    lint,
    nation,
    physics,
    plan,
    predict,
    reactor,
    ship,
    simulate,
    supply,
)
from .show import visible

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


for module in (dose, compare, physics, cells, cluster, biology, agents, simulate, predict, lint, plan, irradiate, reactor, batch, ship, supply, nation):
    module.register(app)


def run() -> None:
    """Run a command; whatever stops it is one sentence on stderr: exit code 2 for bad input, 1 for what could not be done.

    With the environment variable ``LUTETIA_TRACEBACK`` an unexpected fault shows its traceback instead.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # those of libraries; ours stand in the result
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends as an error does: what was begun is removed
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
    except LutetiaError as error:
        _stop(str(error), error.exit_code)
    except BrokenPipeError:  # the reader of our output has gone; nothing is left to say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (MemoryError, OSError) as error:
        reason = "the machine has too little memory for it" if isinstance(error, MemoryError) else str(error)
        named_so = isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.ENAMETOOLONG
        _stop(f"could not be done: {reason}; nothing was written.", 2 if named_so else 1)
    except Exception as error:
        if hasattr(error, "format_message"):  # a mistake on the command line
            said = error.format_message().rstrip(".")
            _stop(f"{said}{'' if said.endswith('?') else '.'} See 'lutetia --help', or --help after a command.", 2)
        if os.environ.get("LUTETIA_TRACEBACK"):
            raise
        _stop(f"an unexpected fault ({type(error).__name__}{_place(error)}) stopped it; please report it with the output under LUTETIA_TRACEBACK=1.", 1)
    sys.exit(code if isinstance(code, int) else 0)


def _stop(sentence: str, code: int) -> NoReturn:
    text = visible(" ".join(sentence.split()))
    typer.echo(f"lutetia: {text if len(text) <= 1000 else text[:600] + ' ... ' + text[-300:]}", err=True)
    sys.exit(code)


def _place(error: Exception) -> str:
    """Where in lutetia it happened; the message itself may quote a patient's data."""
    own, found, frame = Path(__file__).parents[1], "", error.__traceback__
    while frame is not None:
        file = Path(frame.tb_frame.f_code.co_filename)
        found = f" in {file.relative_to(own).as_posix()} line {frame.tb_lineno}" if own in file.parents else found
        frame = frame.tb_next
    return found
