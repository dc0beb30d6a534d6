"""`lutetia cell` and `lutetia range` as a user types them."""

from __future__ import annotations

import pytest

from .test_commands import as_json, lutetia, refused

CELL = ("--cell-radius", "5 um", "--nucleus-radius", "4 um")
PAIRS = {"N<-N", "N<-Cy", "N<-CS", "C<-C", "C<-CS"}


def test_cell_of_an_alpha_emitter() -> None:
    # Alphas alone at 5/4 um by an independent track program: 225Ac N<-CS 5.08e-2 Gy/(Bq s); one alpha in five hits.
    c = as_json("cell", "225Ac", *CELL, "--dose", "1 Gy")
    assert set(c["S_Gy_per_Bq_s"]) >= PAIRS and set(c["by_radiation"]["N<-N"]) == {"alpha", "recoil", "electron"}
    assert c["by_radiation"]["N<-CS"]["alpha"] == pytest.approx(5.08e-2, rel=0.02)
    for pair, total in c["S_Gy_per_Bq_s"].items():
        assert total == pytest.approx(sum(c["by_radiation"][pair].values()))
    assert c["hit_probability"]["N<-CS"] == pytest.approx(0.2, rel=0.01) and "per alpha" in c["hit_probability_is"]
    for pair in ("N<-N", "N<-Cy", "N<-CS"):
        e = c["specific_energy"][pair]
        alphas = c["by_radiation"][pair]["alpha"] + c["by_radiation"][pair]["recoil"]
        assert e["z_F_Gy"] * e["hits_per_decay"] == pytest.approx(alphas, rel=0.005)
        assert e["z_D_Gy"] > e["z_F_Gy"] and e["at_dose"]["mean_hits"] == pytest.approx(1 / e["z_F_Gy"])
    assert any("without any weight" in a for a in c["assumptions"])


def test_progeny_multiplies_hits() -> None:
    alone, chain = (as_json("cell", "Ac-225", *CELL, *flag) for flag in ((), ("--progeny",)))
    # Four alphas along a path of the chain.
    assert chain["hits_per_decay"]["N<-CS"] / alone["hits_per_decay"]["N<-CS"] == pytest.approx(4.0, rel=0.005)
    assert chain["hit_probability"]["N<-CS"] == pytest.approx(alone["hit_probability"]["N<-CS"], rel=0.01)


def test_cell_of_a_beta_emitter_shows_both_models() -> None:
    # MIRDcell: 177Lu, 5/3 um, C<-C 1.0198e-3, cross at 20 um 1.648e-5 Gy/(Bq s).
    c = as_json("cell", "Lu-177", "--cell-radius", "5 um", "--nucleus-radius", "3 um", "--distance", "20 um")
    assert c["S_Gy_per_Bq_s"]["C<-C"] == pytest.approx(1.0198e-3, rel=0.03) and c["electrons"] == "mird"
    assert c["cross"]["S_Gy_per_Bq_s"]["C<-C"] == pytest.approx(1.648e-5, rel=0.04)
    assert c["hit_probability"] is None and c["specific_energy"] is None
    models = c["S_by_electron_model"]
    assert models["mird"] == c["S_Gy_per_Bq_s"] and 1.02 < models["kernel"]["C<-C"] / models["mird"]["C<-C"] < 1.1
    other = as_json("cell", "Lu-177", "--cell-radius", "5 um", "--nucleus-radius", "3 um", "--electrons", "kernel")
    assert other["S_Gy_per_Bq_s"] == models["kernel"]
    text = lutetia("cell", "Lu-177", "--cell-radius", "5 um", "--nucleus-radius", "3 um").stdout
    assert "uncertainty of the model" in text and "Photons are left out" in text


def test_alphas_only() -> None:
    # 211At alone, 5/4 um, C<-C 3.88e-2 Gy/(Bq s).
    c = as_json("cell", "At-211", *CELL, "--alphas-only")
    assert c["S_Gy_per_Bq_s"]["C<-C"] == pytest.approx(3.88e-2, rel=0.02) and c["radiations"] == ["alpha"]
    e = c["specific_energy"]["N<-N"]
    assert e["z_F_Gy"] * e["hits_per_decay"] == pytest.approx(c["S_Gy_per_Bq_s"]["N<-N"], rel=0.003)


def test_a_cell_without_cytoplasm() -> None:
    c = as_json("cell", "At-211", "--cell-radius", "5 um", "--nucleus-radius", "5 um")
    assert c["S_Gy_per_Bq_s"]["N<-Cy"] is None and c["hit_probability"]["N<-Cy"] is None
    assert lutetia("cell", "At-211", "--cell-radius", "5 um", "--nucleus-radius", "5 um").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("cell", "Lu-177", "--cell-radius", "4 um", "--nucleus-radius", "5 um"), "no larger than its cell"), (("cell", "Lu-177", *CELL, "--alphas-only"), "no alpha particles"),
     (("cell", "Pb-212", *CELL, "--dose", "1 Gy"), "--progeny"), (("cell", "Lu-177", *CELL, "--distance", "9 um"), "10 um or more"), (("cell", "Lu-177", *CELL, "--electrons", "cole"), "mird, kernel"),
     (("cell", "Lu-177", "--cell-radius", "5", "--nucleus-radius", "4 um"), "without a unit"), (("cell", "Lu-177", "--cell-radius", "5 mm", "--nucleus-radius", "4 um"), "prefix"),
     (("cell", "Ac-225", *CELL, "--dose", "1 Sv"), "another kind"), (("cell", "Ac-225", *CELL, "--dose", "1 MGy"), "hits a nucleus"), (("range",), "exactly one"),
     (("range", "Lu-177", "--electron", "1 MeV"), "exactly one"), (("range", "--alpha", "50 MeV"), "20 MeV"), (("range", "--electron", "-1 MeV"), "above zero"), (("range", "--alpha", "5"), "without a unit")],
)  # fmt: skip
def test_mistakes_get_one_sentence(arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(*arguments)


def test_ranges() -> None:
    # ASTAR: an alpha of 5.5 MeV goes 43.4 um in water; ESTAR: an electron of 1 MeV 4.367 mm.
    assert as_json("range", "--alpha", "5.5 MeV")["csda_range_um"] == pytest.approx(43.4, rel=0.002)
    assert as_json("range", "--electron", "1000 keV")["csda_range_um"] == pytest.approx(4367, rel=0.001)
    assert as_json("range", "--alpha", "5.5 MeV", "--density", "1.06 g/mL")["csda_range_um"] == pytest.approx(43.4 / 1.06, rel=0.002)


def test_ranges_of_nuclides() -> None:
    ac = as_json("range", "Ac-225")
    found = {m["nuclide"]: m["alpha"]["mean_range_um"] for m in ac["members"] if "alpha" in m}
    assert found["Ac-225"] == pytest.approx(47, abs=0.5) and found["Po-213"] == pytest.approx(84.5, abs=0.5)
    denser = as_json("range", "Ac-225", "--density", "2 g/mL")
    assert denser["chain"]["alpha"]["R90_um"] == pytest.approx(ac["chain"]["alpha"]["R90_um"] / 2)
    assert denser["members"][0]["alpha"]["lines"][0]["range_um"] == pytest.approx(ac["members"][0]["alpha"]["lines"][0]["range_um"] / 2)
    assert denser["members"][0]["alpha"]["mean_energy_MeV"] == ac["members"][0]["alpha"]["mean_energy_MeV"]
    text = lutetia("range", "Lu-177").stdout
    assert "1.75 mm" in text and "R90" in text and "Stated in reviews: Lu-177" in text


def test_a_nucleus_that_no_alpha_meets_keeps_its_s_values() -> None:
    """A cell of 1 mm with a nucleus of 10 nm: no track of a million meets it, S-values stand; and fission is named."""
    found = as_json("cell", "Cf-252", "--cell-radius", "1 mm", "--nucleus-radius", "10 nm")
    assert found["specific_energy"]["N<-CS"] is None and found["specific_energy"]["C<-C"] is not None
    assert found["S_Gy_per_Bq_s"]["C<-C"] > 0
    assert any("fission is not counted: Cf-252 3.1 %" in a for a in found["assumptions"])
