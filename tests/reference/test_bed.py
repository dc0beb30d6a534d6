"""Protraction factor and BED against an integration of the repair equation and published values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.core import BadInput
from lutetia.radiobiology import bed_Gy, bed_parameter_sets, bed_parameters, lea_catcheside


def by_ode(r, l, t_rep):
    """G from y' = r - mu y, D' = r, I' = r y, to a time at which nothing is left."""
    mu = np.log(2) / t_rep
    rate = lambda t: np.exp(-np.multiply.outer(t, l)) @ r  # noqa: E731
    s = solve_ivp(lambda t, y: [rate(t) - mu * y[0], rate(t), rate(t) * y[0]], (0, 45 / min(l.min(), mu)), [0.0, 0, 0], method="DOP853", rtol=1e-13, atol=1e-16)
    return 2 * s.y[2, -1] / s.y[1, -1] ** 2


CURVES = {
    "one phase": ([1.0], [0.0139]),
    "two phases": ([0.7, 0.3], [0.01, 0.15]),
    "uptake": ([1.0, -1.0], [0.012, 0.4]),
    "uptake and two phases": ([0.7, 0.3, -1.0], [0.009, 0.08, 1.1]),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("t_rep_h", [0.5, 2.8, 20.0])
def test_closed_form_is_the_integral_of_the_repair_equation(name, t_rep_h):
    r, l = (np.array(x) for x in CURVES[name])
    assert lea_catcheside(r, l, t_rep_h) == pytest.approx(by_ode(r, l, t_rep_h), abs=1e-10)


def test_kidney_bed():
    # D 4.37 Gy, T_eff 50 h, alpha/beta 2.6 Gy, T_rep 2.8 h: BED 4.76 Gy a cycle.
    p = bed_parameters("kidney")
    G = lea_catcheside([1.0], [np.log(2) / (50 * 3600)], p.repair_half_life_s)
    assert abs(G - 2.8 / 52.8) < 1e-12
    assert bed_Gy(4.37, G, p.alpha_beta_Gy) == pytest.approx(4.76, abs=0.005)
    np.testing.assert_allclose(bed_Gy(np.array([0.0, 4.37]), G, 2.6), [0.0, 4.76], atol=0.005)


def test_limits_of_repair():
    r, l = [0.7, 0.3], [0.01, 0.15]
    assert lea_catcheside(r, l, 1e12) == pytest.approx(1, rel=1e-9)  # no repair: as an acute dose
    assert lea_catcheside(r, l, np.inf) == pytest.approx(1, rel=1e-12)
    assert lea_catcheside(r, l, 0.0) == 0
    assert bed_Gy(2.0, 1.0, 10.0) == pytest.approx(2.4)  # one acute 2 Gy fraction at alpha/beta 10


@given(
    r=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=4), log_l=st.lists(st.floats(-14, -6), min_size=4, max_size=4),
    t_rep=st.floats(60, 1e6), scale=st.floats(1e-6, 1e6),
)
def test_G_is_a_fraction_free_of_the_unit_of_dose_and_grows_with_repair_time(r, log_l, t_rep, scale):
    l = np.exp(log_l[: len(r)])
    G = lea_catcheside(r, l, t_rep)
    assert 0 < G <= 1 + 1e-12
    assert lea_catcheside(scale * np.array(r), l, t_rep) == pytest.approx(G, rel=1e-9)
    assert lea_catcheside(r, l, 2 * t_rep) >= G


def test_parameters_are_never_borrowed():
    assert bed_parameters("Kidney_Left") == bed_parameters("kidneys") == bed_parameter_sets()["kidney-Barone-2005"]
    for organ in ("spleen", "red marrow", "liver", "parotid", "lesion 1", "tumour", "kidney lesion", "adrenal"):
        assert bed_parameters(organ) is None
    assert all(p.source for p in bed_parameter_sets().values())
    with pytest.raises(BadInput, match="published for kidney"):
        bed_parameters("spleen", "kidney-Barone-2005")
    with pytest.raises(BadInput, match="no set"):
        bed_parameters("kidney", "kidney-baron")


@pytest.mark.parametrize(
    "call",
    [
        lambda: lea_catcheside([], [], 1.0), lambda: lea_catcheside([1.0], [0.0], 1.0), lambda: lea_catcheside([1.0], [1.0], -1.0),
        lambda: lea_catcheside([-1.0], [1.0], 1.0), lambda: lea_catcheside([1.0, 2.0], [1.0], 1.0), lambda: bed_Gy(-1.0, 0.5, 3.0),
        lambda: bed_Gy(1.0, 1.5, 3.0), lambda: bed_Gy(1.0, 0.5, 0.0), lambda: bed_Gy(np.nan, 0.5, 3.0),
    ],
)
def test_what_has_no_meaning_is_refused(call):
    with pytest.raises(BadInput):
        call()
