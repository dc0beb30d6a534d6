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

    An existing `out` is replaced only if it is empty or holds what lutetia wrote and nothing else: the file `marker`,
    which names lutetia's schema, and the ``files`` that it lists. Anything else is refused, so that no user's files
    are lost. A link is followed.

    Raises
    ------
    BadInput
        `out` is a file, a folder with contents that lutetia did not write, or a place where nothing can be written.
    """
    said = f"--out {out}"
    try:
        out = Path(out).resolve()
        if out.exists() and not out.is_dir():
            raise BadInput(f"{said}: is a file; give a folder.")
        if out.is_dir() and (others := _foreign(out, marker)):
            raise BadInput(f"{said}: the folder holds files that lutetia did not write ({others[0]}); give a new or empty folder.")
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{said}: cannot be written to ({reason}); give a folder you may write to.") from None
    try:
        yield stage
        os.chmod(stage, 0o755)
        old = None
        if out.exists():
            old = out.with_name(f".{out.name}.old-{os.getpid()}")
            os.replace(out, old)
        try:
            os.replace(stage, out)
        except OSError:
            if old is not None:
                os.replace(old, out)
            raise
        if old is not None:
            shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _foreign(folder: Path, marker: str) -> list[str]:
    """Names in a folder, and in the folders in it that a run made, that no run of lutetia left there."""
    # Without a marker, or with one that lutetia did not write, everything is foreign.
    with contextlib.suppress(OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
        content = json.loads((folder / marker).read_text("utf-8"))
        if str(content["schema"]).startswith("lutetia-"):
            own = {marker, *map(str, content["files"].values())}
            own |= {str(p) for name in own for p in Path(name).parents}
            return [n for n in sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*")) if n not in own]
    return sorted(p.name for p in folder.iterdir())


def inside(folder: Path, relative: str, what: str) -> Path:
    """The path `relative` within `folder`; a path that is empty, leaves the folder, or does not exist, is refused."""
    base = folder.resolve()
    if not relative.strip():
        raise BadInput(f"{what}: the path is empty; name a file or folder in the case folder {base.name}/.")
    try:
        path = (base / relative).resolve()
        found = path.exists()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, a loop of links
        raise BadInput(f"{what}: {relative[:80]!r} cannot be a path; check the name.") from None
    if path != base and base not in path.parents:
        raise BadInput(f"{what}: the path {relative!r} leaves the case folder; put the files inside {base.name}/ and name them from there.")
    if not found:
        raise BadInput(f"{what}: there is no {relative!r} in the case folder {base.name}/; check the name.")
    return path
