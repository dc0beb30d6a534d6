"""What a label says of a ready product: its concentration, the volume of a dose, how long it keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...core import BadInput, near_matches
from ...data import table
from ...nuclides import nuclide


@dataclass(frozen=True, slots=True)
class ProductLabel:
    """A row of the table ``product_labels``; None is not stated or was not read. Fields under `recalled` were not re-read."""

    product: str
    nuclide: str
    activity_Bq: float | None
    tolerance: float | None
    concentration_Bq_mL: float | None
    volume_min_mL: float | None
    volume_max_mL: float | None
    shelf_life_s: float | None
    purity_min: float | None
    recalled: tuple[str, ...]
    source: str
    note: str


def product_label(product: str) -> ProductLabel:
    """The label of a product.

    Raises
    ------
    BadInput
        The product is not in the table.

    >>> pluvicto = product_label("Pluvicto")
    >>> pluvicto.concentration_Bq_mL, pluvicto.volume_max_mL, pluvicto.shelf_life_s / 3600
    (1000000000.0, 12.5, 120.0)
    """
    t = table("product_labels")
    known = [str(n) for n in t["product"]]
    if product not in known:
        raise BadInput(f"product: there is no label of {product!r}; known are {', '.join(known)}.{near_matches(product, known)}")
    i = known.index(product)

    def number(column: str, per: float = 1.0) -> float | None:
        value = float(t[column][i])
        return value * per if math.isfinite(value) else None

    return ProductLabel(
        product, str(t["nuclide"][i]), number("activity_MBq", 1e6), number("tolerance_fraction"), number("concentration_MBq_mL", 1e6), number("volume_min_mL"),
        number("volume_max_mL"), number("shelf_life_h", 3600.0), number("purity_min_fraction"), tuple(str(t["recalled"][i]).split()), str(t["source"][i]), str(t["note"][i]),
    )  # fmt: skip


def dose_volume_mL(name: str, concentration_Bq_mL: float, activity_Bq: float, elapsed_s: float) -> float:
    """Volume that holds an activity of nuclide `name`, `elapsed_s` after the time of the concentration: ``A / c * exp(lambda t)``.

    Negative `elapsed_s` is before that time.

    The label of Pluvicto: 7.4 GBq of 1000 MBq/mL are 7.5 to 12.5 mL, the latter at the end of its 120 h.

    >>> round(dose_volume_mL("Lu-177", 1e9, 7.4e9, 120 * 3600), 1)
    12.5
    """
    return activity_Bq / concentration_Bq_mL * math.exp(nuclide(name).decay_constant_per_s * elapsed_s)


def elapsed_at_volume_s(name: str, concentration_Bq_mL: float, activity_Bq: float, volume_mL: float) -> float:
    """When an activity fills a volume, after the time of the concentration: ``ln(c V / A) / lambda``; negative is before it.

    Raises
    ------
    BadInput
        A concentration, activity or volume that is not positive.

    >>> round(elapsed_at_volume_s("Lu-177", 1e9, 7.4e9, 7.5) / 3600, 1)
    3.1
    """
    if not min(concentration_Bq_mL, activity_Bq, volume_mL) > 0:
        raise BadInput(f"dose: {activity_Bq!r} Bq in {volume_mL!r} mL of {concentration_Bq_mL!r} Bq/mL; give values above zero.")
    return math.log(concentration_Bq_mL * volume_mL / activity_Bq) / nuclide(name).decay_constant_per_s
