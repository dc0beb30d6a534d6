"""Nuclide names in any common spelling to the canonical one: ``177Lu``, ``lu-177``, ``[177Lu]``, ``Lutetium 177`` to ``Lu-177``."""

from __future__ import annotations

import functools
import re

from ..core import BadInput, near_matches

_ELEMENTS = (
    "H hydrogen,He helium,Li lithium,Be beryllium,B boron,C carbon,N nitrogen,O oxygen,F fluorine,Ne neon,Na sodium,"
    "Mg magnesium,Al aluminium,Si silicon,P phosphorus,S sulfur,Cl chlorine,Ar argon,K potassium,Ca calcium,Sc scandium,"
    "Ti titanium,V vanadium,Cr chromium,Mn manganese,Fe iron,Co cobalt,Ni nickel,Cu copper,Zn zinc,Ga gallium,"
    "Ge germanium,As arsenic,Se selenium,Br bromine,Kr krypton,Rb rubidium,Sr strontium,Y yttrium,Zr zirconium,"
    "Nb niobium,Mo molybdenum,Tc technetium,Ru ruthenium,Rh rhodium,Pd palladium,Ag silver,Cd cadmium,In indium,Sn tin,"
    "Sb antimony,Te tellurium,I iodine,Xe xenon,Cs caesium,Ba barium,La lanthanum,Ce cerium,Pr praseodymium,"
    "Nd neodymium,Pm promethium,Sm samarium,Eu europium,Gd gadolinium,Tb terbium,Dy dysprosium,Ho holmium,Er erbium,"
    "Tm thulium,Yb ytterbium,Lu lutetium,Hf hafnium,Ta tantalum,W tungsten,Re rhenium,Os osmium,Ir iridium,Pt platinum,"
    "Au gold,Hg mercury,Tl thallium,Pb lead,Bi bismuth,Po polonium,At astatine,Rn radon,Fr francium,Ra radium,"
    "Ac actinium,Th thorium,Pa protactinium,U uranium,Np neptunium,Pu plutonium,Am americium,Cm curium,Bk berkelium,"
    "Cf californium,Es einsteinium,Fm fermium,Al aluminum,S sulphur,Cs cesium"
)
_SYMBOL_OF = {word.lower(): entry.split()[0] for entry in _ELEMENTS.split(",") for word in entry.split()}
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹ᵐⁿ", "0123456789mn")


def canonical(text: str, known: frozenset[str]) -> str:
    """The canonical name of `text` among `known`.

    Raises
    ------
    BadInput
        Not readable as a nuclide, or not one of ICRP 107; near matches are named.
    """
    if not isinstance(text, str):
        raise BadInput(f"nuclide: got {text!r}; write a name such as 'Lu-177'.")
    return _canonical(text, known)


@functools.lru_cache(maxsize=4096)
def _canonical(text: str, known: frozenset[str]) -> str:
    squeezed = re.sub(r"[\s\-_^\[\]{}()*]+", "", text.translate(_SUPERSCRIPT))
    # A state letter may follow the mass number (99mTc, Tc99m); 'm1' and 'm2' are metastable m and n.
    match = re.fullmatch(r"(?:(\d+)(m1?|m2|n)?([A-Za-z]+)|([A-Za-z]+?)(\d+)(m1?|m2|n|M)?)", squeezed)
    if match:
        mass, state, element = (match[1], match[2], match[3]) if match[1] else (match[5], match[6], match[4])
        states = {"m1": "m", "m2": "n", "M": "m", None: ""}.get(state, state)
        symbol = _SYMBOL_OF.get(element.lower())
        # In '99mo' or '22na' the letter belongs to the symbol: there is no O-99m.
        whole = _SYMBOL_OF.get((state or "").lower() + element.lower()) if match[1] else None
        if f"{symbol}-{mass}{states}" not in known and f"{whole}-{mass}" in known:
            return f"{whole}-{mass}"
        # In '99MTC' or '99mtc' the state letter is glued to the symbol.
        if symbol is None and match[1] and not state and element[:1] in "mM":
            symbol, states = _SYMBOL_OF.get(element[1:].lower()), "m"
        if symbol and f"{symbol}-{mass}{states}" in known:
            return f"{symbol}-{mass}{states}"
        if symbol:
            raise _unknown(text, f"{symbol}-{mass}{states}", known)
    raise _unknown(text, squeezed, known)


def _unknown(text: str, guess: str, known: frozenset[str]) -> BadInput:
    element = guess.split("-")[0]
    same = [n for n in known if n.split("-")[0] == element]
    hint = near_matches(guess, same) or near_matches(guess, known)
    return BadInput(f"nuclide: {text!r} is not one of the 1252 nuclides of ICRP Publication 107; write a name such as 'Lu-177'.{hint}")
