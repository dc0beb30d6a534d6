"""The command line: thin commands, no formula. Heavy imports stay inside the commands."""

from __future__ import annotations


def main() -> None:
    """Entry point of the `lutetia` command."""
    from .app import run

    run()
