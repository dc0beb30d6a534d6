"""Any cluster file that is accepted gives finite numbers, and none below zero."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.chain.cluster import run_cluster
from lutetia.core import to_json

_PARTS = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)).filter(any)


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    """A cluster of up to some thousand cells, of any kind that the file allows."""
    radius = draw(st.floats(3, 12))
    parts = draw(_PARTS)
    nucleus = radius * draw(st.floats(0.3, 0.95))
    names = ("nucleus", "cytoplasm", "surface")
    location = {n: p / sum(parts) for n, p in zip(names, parts) if p}
    amount = draw(st.sampled_from(["decays", "activity", "injected"]))
    uptake: dict[str, Any] = {"positive_fraction": draw(st.sampled_from([0.0, 0.05, 0.5, 0.95, 1.0])), "log_sd": draw(st.sampled_from([0.0, 0.4, 1.5])), "location": location}
    if amount == "decays":
        uptake["decays_per_cell"] = draw(st.floats(1e-3, 1e5))
    elif amount == "activity":
        uptake["activity_per_cell"] = f"{draw(st.floats(1e-3, 1e2)):.6g} mBq"
    else:
        uptake |= {"injected_activity": f"{draw(st.floats(0.01, 10)):.6g} GBq", "injected_fraction_per_gram": "0.05 %"}
    if draw(st.booleans()):
        uptake["biological_half_life"] = f"{draw(st.floats(1, 500)):.6g} h"
    uptake["progeny"] = draw(st.booleans())
    cluster: dict[str, Any] = {"cells": draw(st.integers(1, 3000)), "packing": draw(st.sampled_from(["fcc", "cubic"])), "pitch": f"{2 * radius * draw(st.floats(1.001, 2.0)):.6g} um"}
    if draw(st.booleans()):
        uptake["patch"] = f"{draw(st.floats(10, 100)):.6g} um"
    biology: dict[str, Any] = {}
    if draw(st.booleans()):
        biology = {
            "alpha_electron": f"{draw(st.floats(0.01, 1)):.6g} Gy^-1", "beta_electron": f"{draw(st.floats(0, 0.1)):.6g} Gy^-2",
            "alpha_alpha": f"{draw(st.floats(0.05, 2)):.6g} Gy^-1", "repair_half_life": f"{draw(st.floats(0.3, 5)):.6g} h",
        }  # fmt: skip
    spec = {"schema": "lutetia-cluster/1", "nuclide": draw(st.sampled_from(["Lu-177", "Y-90", "Tb-161", "Ac-225", "Pb-212", "At-211", "Ra-223", "F-18", "In-111"])),
            "cluster": cluster, "cell": {"radius": f"{radius:.6g} um", "nucleus_radius": f"{nucleus:.6g} um"}, "uptake": uptake, "biology": biology}  # fmt: skip
    if draw(st.booleans()) and "patch" not in uptake:
        spec["sweep"] = {
            "diameters": ["60 um", f"{draw(st.floats(100, 8000)):.6g} um"], "positive_fractions": [draw(st.floats(0, 1))],
            "nuclides": ["Lu-177", "Ac-225"], "match": draw(st.sampled_from(["activity", "decays"])),
        }  # fmt: skip
    return spec


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_toml(v)}" for k, v in value.items()) + "}"
    return json.dumps(value)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [x for v in value.values() for x in _numbers(v)]
    if isinstance(value, list):
        return [x for v in value for x in _numbers(v)]
    return [float(value)] if isinstance(value, (int, float)) and not isinstance(value, bool) else []


@settings(max_examples=100)
@given(specs())
def test_every_accepted_cluster_has_finite_results(tmp_path_factory, spec: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    path = Path(tmp_path_factory.mktemp("cluster")) / "cluster.toml"
    path.write_text("\n".join(f"{k} = {_toml(v)}" for k, v in spec.items()))
    result = run_cluster(path, seed=3)
    to_json(result)  # refuses NaN and infinities
    numbers = _numbers({k: v for k, v in result.items() if k != "seed"})
    assert len(numbers) > 30 and all(math.isfinite(x) and x >= 0 for x in numbers)
    c = result["cluster"]
    assert 0 <= c["tcp"] <= 1 and c["expected_survivors"] <= c["living"] * (1 + 1e-9)
    for row in (result["sweep"] or {"rows": []})["rows"]:
        assert 0 <= row["tcp"] <= 1 and row["expected_survivors"] <= row["cells"] * (1 + 1e-9)
