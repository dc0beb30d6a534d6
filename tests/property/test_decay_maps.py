"""Maps of decays by nuclide, and doses of them: atoms kept, places kept, and what the whole chain at once gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.dosimetry.decay_maps import DecayMaps
from lutetia.dosimetry.maps import dose_map
from lutetia.imaging import Geometry
from lutetia.kinetics.progeny import Fates, Free
from lutetia.nuclides import equilibrium_chain

SHAPE = (16, 18, 20)
GEOMETRY = Geometry(SHAPE, np.diag([4.0, 4.0, 4.0, 1.0]))


def patient() -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Decays, two regions of which the smaller lies in the larger, and the body."""
    body, large, small = (np.zeros(SHAPE, bool) for _ in range(3))
    body[1:-1, 2:-2, 2:-2] = True
    large[3:11, 4:12, 4:12] = True
    small[5:8, 5:8, 5:8] = True
    tia = np.where(body, 1e6, 0.0).astype(np.float32)
    tia[large], tia[small] = 2e7, 9e7
    return tia, {"large": large, "small": small}, body


@settings(max_examples=15)
@given(kept=st.floats(0, 1), shares=st.tuples(st.floats(0, 0.4), st.floats(0, 0.4), st.floats(0, 0.2)))
def test_atoms_are_kept_and_go_where_they_are_sent(kept: float, shares: tuple[float, float, float]) -> None:
    tia, masks, body = patient()
    free = Free(dict(zip(("large", "small", "excreted"), shares)))
    maps = DecayMaps("Ac-225", tia, masks, Fates({"small": {"Bi-213": kept}}, {"Bi-213": free}), body=body)
    own = float(tia[masks["small"]].sum(dtype=float))
    gone = own * (1 - kept) * 0.99988  # 213Bi for each 217At, ICRP 107
    for m in equilibrium_chain("Ac-225"):
        found = float(maps[m.nuclide.name].sum(dtype=float))
        out = gone * shares[2] * (m.decays_per_parent / 0.99988 if m.nuclide.name in ("Bi-213", "Po-213", "Tl-209", "Pb-209") else 0.0)
        assert found + out == pytest.approx(float(tia.sum(dtype=float)) * m.decays_per_parent, rel=1e-5)
    ring = masks["large"] & ~masks["small"]
    bi, parent = maps["Bi-213"], tia * np.float32(0.99988)
    assert bi[ring].sum(dtype=float) - parent[ring].sum(dtype=float) == pytest.approx(gone * shares[0], rel=1e-3, abs=1e-4 * own)
    assert np.array_equal(bi[~body], parent[~body]) and np.ptp(bi[body & ~masks["large"]]) == 0
    for region, mask in masks.items():
        assert maps.of_region(mask)["Bi-213"] == pytest.approx(float(bi[mask].sum(dtype=float)), rel=1e-5), region
    doubled = maps.of_region(masks["small"], 2 * own)["Bi-213"] - maps.of_region(masks["small"])["Bi-213"]
    assert doubled == pytest.approx(own * kept * 0.99988, rel=1e-5, abs=1.0)


def test_a_destination_without_a_voxel_of_its_own_is_refused() -> None:
    tia, masks, body = patient()
    covered = {"whole": masks["large"], "part": masks["large"].copy()}
    covered["part"][3, 4, 4] = False
    rest = np.zeros(SHAPE, bool)
    rest[3, 4, 4] = True
    with pytest.raises(BadInput, match="'whole'.*no voxel"):
        DecayMaps("Ac-225", tia, covered | {"rest": rest}, Fates({"part": {"Bi-213": 0.5}}, {"Bi-213": Free({"whole": 1.0})}), body=body)


@pytest.mark.parametrize(("engine", "tolerance"), [("local", 1e-6), ("kernel", 2e-4), ("monte-carlo", 0.03)])
def test_nuclides_with_their_parent_add_up_to_the_chain_at_once(engine: str, tolerance: float) -> None:
    """The chain's kernel in one convolution, and each nuclide by itself; the Monte Carlo within its statistics."""
    tia, masks, body = patient()
    asked = {"body": body, "masks": masks, "histories": 100_000}
    once = dose_map(tia, GEOMETRY, "Ac-225", engine, **asked)
    by_nuclide = dose_map(DecayMaps("Ac-225", tia, masks, Fates()), GEOMETRY, "Ac-225", engine, **asked)
    for r, dose in once.by_radiation_Gy.items():
        inside = masks["large"]
        assert by_nuclide.by_radiation_Gy[r][inside].mean() == pytest.approx(dose[inside].mean(), rel=tolerance if r == "photon" or engine != "monte-carlo" else 2e-4)
    assert np.allclose(sum(by_nuclide.by_nuclide_Gy.values()), by_nuclide.total_Gy, rtol=1e-5)
    assert set(by_nuclide.by_nuclide_Gy) == {m.nuclide.name for m in equilibrium_chain("Ac-225")} and not once.by_nuclide_Gy
    assert by_nuclide.deposited_MeV == pytest.approx(once.deposited_MeV, rel=1e-3)
    mean = sum(d for parts in by_nuclide.region_Gy["small"].values() for d in parts.values())
    assert mean == pytest.approx(float(by_nuclide.total_Gy[masks["small"]].astype(float).mean()), rel=1e-5)
    if engine == "monte-carlo":
        assert by_nuclide.histories == pytest.approx(100_000, rel=0.1)
        assert 0 < by_nuclide.photon_relative_u["small"] < 0.1


def test_dose_follows_the_nuclide_that_leaves() -> None:
    """With all 213Bi gone from the small region its 213Po gives no alpha there; 225Ac and 221Fr give what they gave."""
    tia, masks, body = patient()
    stay, gone = (DecayMaps("Ac-225", tia, masks, f, body=body) for f in (Fates(), Fates({"small": {"Bi-213": 0.0}}, {"Bi-213": Free({"excreted": 1.0})})))
    a, b = (dose_map(m, GEOMETRY, "Ac-225", "kernel", body=body, masks=masks).region_Gy["small"] for m in (stay, gone))
    assert b["Po-213"]["alpha"] == 0 and b["Ac-225"] == a["Ac-225"] and b["Fr-221"] == a["Fr-221"]
    assert 0 < b["Bi-213"]["electron"] < 0.5 * a["Bi-213"]["electron"]  # from around it


def test_plain_arrays_by_nuclide_are_taken_too() -> None:
    tia, masks, body = patient()
    whole = dose_map({"Pb-212": tia, "Bi-212": tia}, GEOMETRY, "Pb-212", "kernel", body=body, masks=masks)
    alone = dose_map(tia, GEOMETRY, "Bi-212", "kernel", body=body, masks=masks, progeny=False)
    assert np.array_equal(whole.by_nuclide_Gy["Bi-212"], alone.total_Gy)
