"""Atomic files and folders: what is on disk is either the whole of what was meant, or what was there before."""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import BadInput


def sha256_file(path: Path | str) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_atomic(path: Path | str, content: bytes | str) -> None:
    """Write through a temporary file in the same folder, fsync, then rename over `path`."""
    path = Path(path)
    data = content.encode() if isinstance(content, str) else content
    fd, tmp = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(fd, "wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        os.chmod(tmp, 0o644)
        os.replace(tmp, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(tmp)
        raise


def to_json(value: Any) -> str:
    """JSON with sorted keys; NaN and infinities are refused rather than written."""
    return json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} does not go into JSON")


def finite_or_none(value: float) -> float | None:
    """The value, or None where JSON has no word for it."""
    return float(value) if math.isfinite(value) else None


@contextlib.contextmanager
def staged_folder(out: Path | str, *, marker: str = "result.json") -> Iterator[Path]:
    """A folder to write into that becomes `out` only when the block ends well.

    An existing `out` is replaced only if it is empty or one that lutetia wrote (it holds the file
    `marker`); anything else is refused, so that no user's files are lost.

    Raises
    ------
    BadInput
        `out` is a file, or a folder with contents that lutetia did not write.
    """
    out = Path(out)
    if out.exists() and not out.is_dir():
        raise BadInput(f"--out {out}: is a file; give a folder.")
    if out.is_dir() and any(out.iterdir()) and not (out / marker).is_file():
        raise BadInput(f"--out {out}: the folder holds files that lutetia did not write; give a new or empty folder.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise BadInput(f"--out {out}: cannot be written to ({error.strerror}); give a folder you may write to.") from None
    try:
        yield stage
        os.chmod(stage, 0o755)
        old = None
        if out.exists():
            old = out.with_name(f".{out.name}.old-{os.getpid()}")
            os.replace(out, old)
        os.replace(stage, out)
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def inside(folder: Path, relative: str, what: str) -> Path:
    """The path `relative` within `folder`; a path that leaves the folder, or does not exist, is refused."""
    base = folder.resolve()
    path = (base / relative).resolve()
    if path != base and base not in path.parents:
        raise BadInput(f"{what}: the path {relative!r} leaves the case folder; put the files inside {base.name}/ and name them from there.")
    if not path.exists():
        raise BadInput(f"{what}: there is no {relative!r} in the case folder {base.name}/; check the name.")
    return path
