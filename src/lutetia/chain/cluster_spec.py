"""The cluster file: a cluster of cells, what it takes up, how its cells answer, and what to vary; checked key by key."""

from __future__ import annotations

import functools
import math
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ..core import BadInput
from ..dosimetry.cells import CellGeometry
from ..dosimetry.cluster_kernels import track_slope_per_Gy
from ..dosimetry.clusters import Survival
from ..nuclides import nuclide
from ..radiobiology import lea_catcheside
from ..radiobiology.cells import LQParameters, lq_parameters, refuse_protraction
from ..transport.alpha_encounters import alpha_reach_um
from .case import Activity, Mass, Relative, _Part, _quantity, read_checked

CLUSTER_SCHEMA = "lutetia-cluster/1"
#: Used where the file names no parameters: one cell line in which both radiations were measured.
DEFAULT_ELECTRONS, DEFAULT_ALPHAS = "PC3-PIP-Lu177-Ruigrok-2022", "PC3-PIP-Ac225-Ruigrok-2022"
#: In which a measured slope is turned into that of single tracks: 10 um with a nucleus of 8 um, a quarter of the decays at the
#: surface and the rest in the cytoplasm, as in PC3-PIP (Ruigrok 2022; the sizes of its nuclei are not stated where it was read).
REFERENCE_CELL = (CellGeometry(5.0, 4.0), {"CS": 0.24, "Cy": 0.76})

Micrometre = _quantity("um", within=("0.1 um", "20 mm"))
Half = _quantity("s", within=("1 min", "1000 d"))
PerGy = _quantity("Gy^-1", positive=False, within=("0 Gy^-1", "20 Gy^-1"))


class ClusterShape(_Part):
    diameter: Micrometre | None = None  # type: ignore[valid-type]
    cells: int | None = Field(default=None, ge=1, le=3_000_000)
    packing: Literal["fcc", "cubic"] = "fcc"
    pitch: Micrometre | None = None  # type: ignore[valid-type]
    necrotic_core: _quantity("um", positive=False, within=("0 um", "20 mm")) = 0.0  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one_size(self) -> ClusterShape:
        if self.diameter is not None and self.cells is not None:
            raise ValueError("diameter and cells are both given; leave one out")
        return self


class CellShape(_Part):
    radius: Micrometre  # type: ignore[valid-type]
    nucleus_radius: Micrometre  # type: ignore[valid-type]


class CellUptake(_Part):
    positive_fraction: float = Field(default=1.0, ge=0, le=1)
    log_sd: float = Field(default=0.0, ge=0, le=3)
    patch: _quantity("um", positive=False, within=("0 um", "20 mm")) = 0.0  # type: ignore[valid-type]
    location: dict[Literal["nucleus", "cytoplasm", "surface"], float] = Field(default_factory=lambda: {"surface": 1.0})  # type: ignore[arg-type]
    decays_per_cell: float | None = Field(default=None, gt=0, le=1e9)
    activity_per_cell: _quantity("Bq", within=("1e-9 Bq", "1 kBq")) | None = None  # type: ignore[valid-type]
    injected_activity: Activity | None = None  # type: ignore[valid-type]
    injected_fraction_per_gram: Relative | None = None
    biological_half_life: Half | None = None  # type: ignore[valid-type]
    progeny: bool = True

    @model_validator(mode="after")
    def _one_amount(self) -> CellUptake:
        ways = [self.decays_per_cell is not None, self.activity_per_cell is not None, self.injected_fraction_per_gram is not None]
        if sum(ways) != 1:
            raise ValueError("give exactly one of decays_per_cell, activity_per_cell and injected_fraction_per_gram (with injected_activity)")
        if min(self.location.values(), default=-1) < 0 or abs(sum(self.location.values()) - 1) > 1e-6:
            raise ValueError(f"location: the parts {self.location} are not 1 together; give the part of the decays in nucleus, cytoplasm and surface")
        return self


class Biology(_Part):
    electrons: str | None = None
    alphas: str | None = None
    alpha_electron: PerGy | None = None  # type: ignore[valid-type]
    beta_electron: _quantity("Gy^-2", positive=False, within=("0 Gy^-2", "20 Gy^-2")) | None = None  # type: ignore[valid-type]
    alpha_alpha: PerGy | None = None  # type: ignore[valid-type]
    repair_half_life: Half | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one_way(self) -> Biology:
        if self.electrons is not None and self.alpha_electron is not None:
            raise ValueError("electrons names a parameter set and alpha_electron gives a value; leave one out")
        if self.alphas is not None and self.alpha_alpha is not None:
            raise ValueError("alphas names a parameter set and alpha_alpha gives a value; leave one out")
        if self.beta_electron is not None and self.alpha_electron is None:
            raise ValueError("beta_electron goes with alpha_electron; give both")
        return self


class LimitingOrgan(_Part):
    name: str
    mass: Mass  # type: ignore[valid-type]
    injected_fraction: Relative
    biological_half_life: Half | None = None  # type: ignore[valid-type]
    alpha_weight: float = Field(default=5.0, ge=1, le=50)
    limit: _quantity("Gy", within=("0.01 Gy", "1000 Gy")) | None = None  # type: ignore[valid-type]


class Sweep(_Part):
    diameters: list[Micrometre] = Field(min_length=1)  # type: ignore[valid-type]
    positive_fractions: list[float] = Field(min_length=1)
    nuclides: list[str] = Field(min_length=1)
    match: Literal["activity", "decays", "organ-limit", "stated"] = "activity"
    activities: dict[str, Activity] | None = None  # type: ignore[valid-type]
    organ: LimitingOrgan | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Sweep:
        bad = [f for f in self.positive_fractions if not 0 <= f <= 1]
        if bad:
            raise ValueError(f"positive_fractions: got {bad[0]}; give parts from 0 to 1")
        if (self.match == "organ-limit") != (self.organ is not None):
            raise ValueError("match = 'organ-limit' and a section [sweep.organ] go together; give both or neither")
        if (self.match == "stated") != (self.activities is not None):
            raise ValueError("match = 'stated' and activities (one for each nuclide) go together; give both or neither")
        return self


class ClusterSpec(_Part):
    """A checked cluster file."""

    nuclide: str = Field(max_length=40)
    title: str | None = None
    cluster: ClusterShape = Field(default_factory=ClusterShape)
    cell: CellShape
    uptake: CellUptake
    biology: Biology = Field(default_factory=Biology)
    sweep: Sweep | None = None
    sha256: str

    @model_validator(mode="after")
    def _whole(self) -> ClusterSpec:
        if self.sweep is None and self.cluster.diameter is None and self.cluster.cells is None:
            raise ValueError("cluster: give its diameter (such as '400 um') or its number of cells, or a sweep")
        if self.uptake.injected_fraction_per_gram is not None and self.uptake.injected_activity is None and (self.sweep is None or self.sweep.match != "stated"):
            raise ValueError("uptake: injected_fraction_per_gram goes with injected_activity; give both")
        if self.sweep is not None and self.sweep.match in ("stated", "organ-limit") and self.uptake.injected_fraction_per_gram is None:
            raise ValueError(f"sweep: match = {self.sweep.match!r} needs uptake.injected_fraction_per_gram, which says what an injected activity brings to a cell")
        if self.pitch_um < 2 * self.cell.radius * (1 - 1e-9):
            raise ValueError(f"cluster.pitch: {self.pitch_um:g} um is less than the diameter of a cell, {2 * self.cell.radius:g} um; give at least that")
        return self

    @property
    def pitch_um(self) -> float:
        """Distance of neighbours; touching cells where none is given."""
        return self.cluster.pitch if self.cluster.pitch is not None else 2 * self.cell.radius

    @property
    def geometry(self) -> CellGeometry:
        """The cell."""
        return CellGeometry(self.cell.radius, self.cell.nucleus_radius)

    @property
    def compartments(self) -> dict[str, float]:
        """Location of the decays by MIRD's letters."""
        letters = {"nucleus": "N", "cytoplasm": "Cy", "surface": "CS"}
        return {letters[k]: v for k, v in self.uptake.location.items()}

    def residence_s(self, name: str) -> float:
        """Decays per becquerel at the peak: 1 / (physical + biological rate)."""
        rate = nuclide(name).decay_constant_per_s
        if self.uptake.biological_half_life is not None:
            rate += math.log(2) / self.uptake.biological_half_life
        return 1 / rate

    def survival(self, name: str, *, alpha_change: float = 0.0) -> Survival:
        """How the cells answer to `name`: parameters, and the protraction factor of its effective half-life.

        `alpha_change` is added to the slope for alphas (1/Gy, against mean dose) before that of single tracks is found from it.
        """
        electrons, alphas = self.parameter_sets()
        if electrons is not None:
            alpha, beta, repair = electrons.alpha_per_Gy, electrons.beta_per_Gy2, electrons.repair_half_life_s
            if self.biology.repair_half_life is not None:
                refuse_protraction(electrons)
                repair = self.biology.repair_half_life
            protracted = electrons.fitted == "protracted"
        else:
            alpha, beta, repair, protracted = float(self.biology.alpha_electron or 0.0), float(self.biology.beta_electron or 0.0), self.biology.repair_half_life, False
        G = 1.0
        if beta > 0 and not protracted:
            if repair is None:
                raise BadInput("biology: a beta of electrons above zero needs repair_half_life, by which the slow dose is spared; give it.")
            G = lea_catcheside([1.0], [1 / self.residence_s(name)], repair)
        # Where nothing emits alphas their slope is not looked at, however large it is.
        track = single_track(max(self.alpha_slope_per_Gy + alpha_change, 0.0)) if alpha_reach_um(nuclide(name).name, progeny=self.uptake.progeny) > 0 else 0.0
        return Survival(alpha, beta, G, track)

    @property
    def alpha_slope_per_Gy(self) -> float:
        """Slope of survival under alphas against the mean dose to the nucleus, as it is published."""
        alphas = self.parameter_sets()[1]
        return alphas.alpha_per_Gy if alphas is not None else float(self.biology.alpha_alpha or 0.0)

    def parameter_sets(self) -> tuple[LQParameters | None, LQParameters | None]:
        """Named sets of electrons and alphas; None where values were given."""
        b = self.biology
        electrons = None if b.alpha_electron is not None else lq_parameters(b.electrons or DEFAULT_ELECTRONS)
        alphas = None if b.alpha_alpha is not None else lq_parameters(b.alphas or DEFAULT_ALPHAS)
        for key, found, wanted in (("electrons", electrons, False), ("alphas", alphas, True)):
            if found is not None and found.of_alphas != wanted:
                raise BadInput(f"biology.{key}: the set {found.name!r} was measured with {found.radiation}, which is not a source of {key}; choose another.")
        return electrons, alphas


@functools.cache
def single_track(slope_per_Gy: float) -> float:
    """`track_slope_per_Gy` for the 225Ac chain in the reference cell: a property of cells, carried to any size of nucleus."""
    return track_slope_per_Gy(slope_per_Gy, *REFERENCE_CELL)


def load_cluster(path: Path | str) -> ClusterSpec:
    """Read and check a cluster file.

    Raises
    ------
    BadInput
        Not a file, not TOML, another schema, an unknown or missing key, or a value that is not possible.
    """
    spec = read_checked(path, ClusterSpec, CLUSTER_SCHEMA, "cluster.toml")
    _ = spec.geometry, spec.parameter_sets()  # a nucleus larger than its cell, an unknown set: said before anything runs
    for name in [spec.nuclide, *(spec.sweep.nuclides if spec.sweep else [])]:
        nuclide(name)
    return spec
