"""Reading a result file back, and the words a result's codes stand for."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

from ..core import BadInput

SCHEMA = "lutetia-result/1"

#: What each engine is, in a reader's words.
ENGINES = {
    "monte-carlo": "Monte Carlo",
    "kernel": "kernel convolution",
    "local": "local deposition",
    "region-table": "region by region (no images)",
}

_TOP: dict[str, tuple[type, ...]] = {
    "version": (str,), "engine": (str,), "case": (dict,), "nuclide": (str,), "scans": (list,), "regions": (list,),
    "warnings": (list,), "assumptions": (list,), "provenance": (dict,), "files": (dict,),
}  # fmt: skip
_NUMBER = (int, float, type(None))
_REGION: dict[str, tuple[type, ...]] = {
    "region": (str,), "mass_kg": _NUMBER, "volume_mL": _NUMBER, "tia_Bq_s": _NUMBER, "tia_u_Bq_s": _NUMBER, "model": (str, type(None)),
    "effective_half_life_s": _NUMBER, "dose_Gy": _NUMBER, "dose_u_Gy": _NUMBER, "dose_by_radiation_Gy": (dict, type(None)), "tac": (dict,),
}  # fmt: skip


def load_result(path: Path | str) -> dict[str, Any]:
    """Read ``result.json`` (the file, or the folder that holds it) and check that it is a result of lutetia.

    Raises
    ------
    BadInput
        The file is missing, is not JSON, is of another kind or version, or lacks a part that a result has.
    """
    path = Path(path)
    if path.is_dir():
        path = path / "result.json"
    try:
        result = json.loads(path.read_text("utf-8"), parse_constant=_refuse)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); give the result.json that 'lutetia dose' wrote, or its folder.") from None
    except (ValueError, RecursionError):
        raise BadInput(f"{path}: is not a JSON file; give the result.json that 'lutetia dose' wrote.") from None
    schema = result.get("schema") if isinstance(result, dict) else None
    if schema != SCHEMA:
        found = f"says schema {schema!r}" if schema is not None else "names no schema"
        raise BadInput(f"{path}: {found}, and {SCHEMA!r} is wanted; give a result.json written by this version of lutetia.")
    _check(result, _TOP, f"{path}: the result")
    for n, region in enumerate(result["regions"], start=1):
        if not isinstance(region, dict):
            raise BadInput(f"{path}: region {n} is not an object; run the case again to write a whole result.")
        _check(region, _REGION, f"{path}: region {n}")
    return result


def input_groups(result: dict[str, Any]) -> list[tuple[str, str | None, list[tuple[str, str]]]]:
    """The inputs by folder and DICOM series: name of the folder or file, series UID, (file, sha256) of each file.

    A name is ``folder: file`` or a path; a file that belongs to no series and no named folder stands alone.
    """
    groups: dict[tuple[str, str | None], list[tuple[str, str]]] = defaultdict(list)
    for item in result["provenance"].get("inputs") or []:
        name, uid = str(item["name"]), item.get("uid")
        folder, colon, file = name.rpartition(": ")
        if not colon:
            folder, _, file = name.rpartition("/")
        groups[(folder if colon or uid else name, uid)].append((file, str(item.get("sha256") or "–")))
    return [(f"{folder}/{files[0][0]}" if folder and len(files) == 1 and folder.rpartition("/")[2] != files[0][0] else folder or files[0][0], uid, files) for (folder, uid), files in groups.items()]


def flattened(value: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, text) in a stable order.

    >>> flattened({"fit": {"models": ["mono", "bi"]}, "seed": 1})
    [('fit.models', 'mono, bi'), ('seed', '1')]
    """
    if isinstance(value, dict) and value:
        return [pair for key in sorted(value, key=str) for pair in flattened(value[key], f"{prefix}.{key}" if prefix else str(key))]
    if isinstance(value, list) and any(isinstance(v, (dict, list)) for v in value):
        return [pair for n, item in enumerate(value, start=1) for pair in flattened(item, f"{prefix}[{n}]")]
    if isinstance(value, list):
        return [(prefix, ", ".join(map(str, value)) or "none")]
    return [(prefix, "none" if value is None or value == {} else str(value))]


def _check(value: dict[str, Any], wanted: dict[str, tuple[type, ...]], what: str) -> None:
    for key, types in wanted.items():
        if key not in value:
            raise BadInput(f"{what} has no {key!r}; run the case again to write a whole result.")
        if not isinstance(value[key], types) or isinstance(value[key], bool):
            raise BadInput(f"{what} has a {type(value[key]).__name__} as {key!r}; run the case again to write a whole result.")


def _refuse(word: str) -> None:
    raise ValueError(f"{word} is not JSON")
