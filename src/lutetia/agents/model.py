"""An agent: a ligand with its target and the nuclide that it carries, as a dated record."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..nuclides import nuclide


@dataclass(frozen=True, slots=True)
class Agent:
    """One ligand with one nuclide. What is not known or not disclosed is None, or an empty tuple.

    Attributes
    ----------
    ligand : str
        The molecule without its nuclide, such as ``"PSMA-617"``.
    nuclide : str
        Canonical spelling, such as ``"Lu-177"``.
    targets : tuple of str
        Genes by HGNC symbol; with more than one, the molecule binds each of them.
    modality : str or None
        Kind of molecule: small molecule, peptide, antibody ...
    role : str or None
        ``"imaging"`` or ``"therapy"``; None for an agent that no source speaks of.
    binding : str or None
        ``"reversible"``, ``"covalent"`` or ``"dual"``.
    molar_mass_g_per_mol : float or None
        Of what the notes say: the ligand, or its complex with a metal.
    kinetics : tuple of str
        Names of published parameter sets of the ligand's kinetics; empty where none is public.
    kinetics_nuclide : str or None
        The nuclide with which those kinetics were measured.
    dose_models : tuple of str
        Names of published models of absorbed dose. They hold for this nuclide alone.
    as_of : str
        The date to which the record speaks, ISO 8601, as precise as known.
    """

    ligand: str
    nuclide: str
    targets: tuple[str, ...]
    modality: str | None
    role: str | None
    binding: str | None
    molar_mass_g_per_mol: float | None
    kinetics: tuple[str, ...]
    kinetics_nuclide: str | None
    dose_models: tuple[str, ...]
    developer: str | None
    stage: str | None
    as_of: str
    aliases: tuple[str, ...]
    sources: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def id(self) -> str:
        """Mass number, element and ligand: ``"177Lu-PSMA-617"``."""
        element, mass = self.nuclide.split("-")
        return f"{mass}{element}-{self.ligand}"

    @property
    def name(self) -> str:
        """With the nuclide in brackets: ``"[177Lu]Lu-PSMA-617"``; fluorine is part of the ligand, ``"[18F]DCFPyL"``."""
        element, mass = self.nuclide.split("-")
        return f"[{mass}{element}]{'' if element == 'F' else element + '-'}{self.ligand}"

    def with_nuclide(self, name: str) -> Agent:
        """The same molecule with another nuclide.

        The id and the name follow. The kinetics of the ligand stay, as if the metal in the chelate did not matter,
        and a note says so; role, stage and trade names, and models of absorbed dose, belong to the nuclide and go.

        Parameters
        ----------
        name : str
            A nuclide in any common spelling.

        Raises
        ------
        BadInput
            The nuclide is not known.

        >>> from lutetia.agents import agent
        >>> other = agent("Pluvicto").with_nuclide("225Ac")
        >>> other.id, other.kinetics == agent("Pluvicto").kinetics, other.aliases
        ('225Ac-PSMA-617', True, ())
        """
        new = nuclide(name).name
        if new == self.nuclide:
            return self
        note = f"made from {self.id} by another nuclide: kinetics and binding are taken over, which supposes that the ligand behaves alike with {new}"
        return replace(self, nuclide=new, role=None, stage=None, aliases=(), dose_models=(), notes=(*self.notes, note))
