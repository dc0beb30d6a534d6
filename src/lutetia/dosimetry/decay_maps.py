"""Maps of decays of every nuclide of a chain, from the parent's map and fates by region."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..core import BadInput
from ..kinetics.progeny import BLOOD, BODY, Fates, ProgenyDecays, progeny_decays
from ..nuclides import equilibrium_chain


class DecayMaps(Mapping[str, np.ndarray]):
    """Decays of each nuclide per voxel (Bq s, float32); a map is made when it is asked for and not kept.

    Every voxel has a label: a region (where regions overlap, the smallest), the body outside all regions, or what lies
    outside the body. Progeny that stays has the parent's map times a factor of the label; progeny that arrives is uniform in
    the label. `decays` says how many decay in each place.
    """

    def __init__(
        self, parent: str, tia_Bq_s: np.ndarray, masks: Mapping[str, np.ndarray], fates: Fates, *, body: np.ndarray | None = None
    ) -> None:
        """
        Parameters
        ----------
        parent : str
        tia_Bq_s : ndarray
            The parent's time-integrated activity per voxel.
        masks : mapping of str to ndarray of bool
            Regions.
        fates : Fates
        body : ndarray of bool or None
            Where atoms that go to the body may decay; None: everywhere.

        Raises
        ------
        BadInput
            As `progeny_decays`; a destination that smaller regions cover wholly.
        """
        self._tia = tia_Bq_s
        chain = [m.nuclide.name for m in equilibrium_chain(parent)]
        if fates.all_stay:
            self._labels: np.ndarray | None = None
            total = {BODY: float(tia_Bq_s.sum(dtype=float))}
            self.decays: ProgenyDecays = progeny_decays(parent, total, Fates())
            unit = progeny_decays(parent, {BODY: 1.0}, Fates()).placed
            self._stay = {n: np.array([unit[n][BODY]]) for n in chain}
            self._arrive = {n: np.zeros(1) for n in chain}
            return
        names = list(masks)
        # Labels: 0 the body, 1 ... n the regions, n + 1 outside of the body, where only what the parent's map shows decays.
        labels = np.zeros(tia_Bq_s.shape, np.uint16) if body is None else np.where(body, 0, len(names) + 1).astype(np.uint16)
        for i in sorted(range(len(names)), key=lambda i: -int(masks[names[i]].sum())):  # smaller regions last: they keep their voxels
            labels[masks[names[i]]] = i + 1
        self._labels = labels
        count = np.bincount(labels.ravel(), minlength=len(names) + 2)
        held = np.bincount(labels.ravel(), tia_Bq_s.ravel(), minlength=len(names) + 2)
        places = [BODY, *names]
        tia = dict(zip(places, held[:-1].tolist()))
        tia[BODY] += float(held[-1])
        self.decays = progeny_decays(parent, tia, fates)
        unit = progeny_decays(parent, dict.fromkeys(places, 1.0), fates).placed
        self._stay = {n: np.array([*(unit[n][p] for p in places), unit[n][BODY]]) for n in chain}
        self._arrive = {n: np.zeros(len(names) + 2) for n in chain}
        for n in chain[1:]:
            for i, place in enumerate(places):
                coming = self.decays.arrived[n].get(place, 0.0) + (self.decays.arrived[n].get(BLOOD, 0.0) if place == BODY else 0.0)
                if coming > 0 and not count[i] and place != BODY:
                    raise BadInput(f"progeny: free {n} is to go to region {place!r}, of which smaller regions leave no voxel; name those as its destinations.")
                self._arrive[n][i] = coming / count[i] if count[i] else 0.0  # regions that leave no body: their energy is counted as escaped

    def __getitem__(self, name: str) -> np.ndarray:
        stay, arrive = self._stay[name].astype(np.float32), self._arrive[name].astype(np.float32)
        if self._labels is None:
            return self._tia * stay[0] if stay[0] != 1 else self._tia
        out = self._tia * stay[self._labels]
        if arrive.any():
            out += arrive[self._labels]
        return out

    def __iter__(self) -> Iterator[str]:
        return iter(self._stay)

    def __len__(self) -> int:
        return len(self._stay)

    def of_region(self, mask: np.ndarray, tia_Bq_s: float | None = None) -> dict[str, float]:
        """Decays of each nuclide within `mask` (Bq s).

        With `tia_Bq_s`, a better value of the parent's in the region, the progeny that stays goes in proportion; what
        arrives from elsewhere does not.
        """
        labels = np.zeros(1, int) if self._labels is None else self._labels[mask]
        size = len(next(iter(self._stay.values())))
        held = np.array([self._tia[mask].sum(dtype=float)]) if self._labels is None else np.bincount(labels, self._tia[mask], minlength=size)
        count = np.bincount(labels, minlength=size) if self._labels is not None else np.zeros(size)
        if tia_Bq_s is not None and not held.sum() > 0:  # a map without activity there says nothing of where in the region it is
            held = count + (self._labels is None)
        scale = 1.0 if tia_Bq_s is None else tia_Bq_s / held.sum()
        return {n: float(scale * (held @ self._stay[n]) + count @ self._arrive[n]) for n in self._stay}
