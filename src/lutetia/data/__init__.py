"""The only door to lutetia's tables: each is read by name, checked by hash, and carries its source.

A table is a folder ``tables/<name>/`` with a ``table.csv`` or ``table.npz`` and a ``SOURCE.toml`` that gives
``title``, ``source`` (with DOI or address), ``licence``, ``[units]`` (one for every column) and ``sha256``.
"""

from __future__ import annotations

import csv
import functools
import hashlib
import io
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ..core import CouldNot, near_matches

_ROOT = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `columns` maps a name to a read-only array (text columns are arrays of str)."""

    name: str
    sha256: str
    source: Mapping[str, Any]
    columns: Mapping[str, np.ndarray]

    def __getitem__(self, column: str) -> np.ndarray:
        return self.columns[column]

    def where(self, column: str, value: object) -> Table:
        """The rows in which `column` equals `value`."""
        keep = self.columns[column] == value
        return Table(self.name, self.sha256, self.source, MappingProxyType({k: _frozen(v[keep]) for k, v in self.columns.items()}))


def table_names() -> list[str]:
    """Every table shipped."""
    return sorted(p.name for p in _ROOT.iterdir() if (p / "SOURCE.toml").is_file())


@functools.cache
def table(name: str) -> Table:
    """Read the table `name`, its hash checked against ``SOURCE.toml``.

    Raises
    ------
    CouldNot
        There is no such table, or its bytes are not those its source record describes.
    """
    folder = _ROOT / name
    if not (folder / "SOURCE.toml").is_file():
        raise CouldNot(f"There is no table {name!r} in this installation.{near_matches(name, table_names())}")
    source = tomllib.loads((folder / "SOURCE.toml").read_text("utf-8"))
    path = next(p for p in (folder / "table.csv", folder / "table.npz") if p.is_file())
    raw = path.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != source["sha256"]:
        raise CouldNot(f"The table {name!r} does not match its recorded hash; reinstall lutetia, or correct SOURCE.toml if the change was meant.")
    columns = _read_csv(raw.decode("utf-8")) if path.suffix == ".csv" else dict(np.load(io.BytesIO(raw), allow_pickle=False))
    return Table(name, digest, MappingProxyType(source), MappingProxyType({k: _frozen(v) for k, v in columns.items()}))


def _read_csv(text: str) -> dict[str, np.ndarray]:
    rows = list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))
    return {name: _column([r[i] for r in rows[1:]]) for i, name in enumerate(rows[0])}


def _column(cells: list[str]) -> np.ndarray:
    try:
        return np.array([float(c) if c else np.nan for c in cells])
    except ValueError:
        return np.array(cells)


def _frozen(a: np.ndarray) -> np.ndarray:
    a = np.array(a)
    a.flags.writeable = False
    return a
