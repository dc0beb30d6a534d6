"""`bed`: what an absorbed dose at a falling rate is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core import show
from .show import print_json

if TYPE_CHECKING:
    from ..radiobiology import BedParameters, LQParameters

_Half = Annotated[list[str], typer.Option("--half-life", help="Effective half-life of the dose rate; once for each phase.")]
_Weight = Annotated[list[float], typer.Option("--weight", help="With several half-lives: relative dose rate of each phase at the administration, negative for an uptake.")]
_Text = str | None


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("bed")(bed_command)


def bed_command(
    dose: Annotated[str, typer.Option(help='Absorbed dose of one administration, such as "4.37 Gy".')],
    half_life: _Half = [],  # noqa: B006 (typer makes a new list)
    weight: _Weight = [],  # noqa: B006
    alpha_beta: Annotated[_Text, typer.Option(help="With --repair; or take --organ or --parameters.")] = None,
    repair: Annotated[_Text, typer.Option(help="Repair half-life of sublethal damage.")] = None,
    organ: Annotated[_Text, typer.Option(help="Take the parameters published for this organ.")] = None,
    parameters: Annotated[_Text, typer.Option(help="Take a set by its name, of an organ or of a kind of cell.")] = None,
    doubling_time: Annotated[_Text, typer.Option(help="Cells double in this time; needs alpha.")] = None,
    kick_off: Annotated[_Text, typer.Option(help="They begin to after this time; 0 if not given.")] = None,
    alpha: Annotated[_Text, typer.Option(help='Linear coefficient, such as "0.3 Gy^-1", for the doubling time.')] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Biologically effective dose of an administration, with repair while the dose comes and, if asked, growth."""
    import numpy as np

    from ..core import BadInput, parse
    from ..radiobiology import bed_Gy, bed_with_repopulation, dose_until_Gy, eqd2_Gy, lea_catcheside

    dose_Gy = parse(dose, "Gy", "--dose", positive=True, within=("1 uGy", "100 kGy"))
    half_lives = [parse(h, "s", "--half-life", positive=True, within=("1 s", "100 year")) for h in half_life]
    if weight and len(weight) != len(half_lives) or len(half_lives) > 1 and not weight:
        raise BadInput(f"--weight: got {len(weight)} for {len(half_lives)} half-lives; give one for each, the relative dose rate of that phase at the administration.")
    weights = list(weight) or [1.0] * len(half_lives)
    chosen = _chosen(alpha_beta, repair, organ, parameters)
    if not half_lives:
        raise BadInput('--half-life: give the effective half-life of the dose rate, such as "50 h".')
    rates = [_LN2 / h for h in half_lives]
    if len(rates) > 1 and np.any(np.diff(dose_until_Gy(dose_Gy, weights, rates, np.geomspace(0.01 / max(rates), 50 / min(rates), 400))) < -1e-9 * dose_Gy):
        raise BadInput("--weight: with these weights the dose rate falls below zero at times; give an uptake phase a shorter half-life and a weight no larger than the others together.")
    ratio, repair_s = chosen["alpha_beta_Gy"], chosen["repair_half_life_s"]
    g = lea_catcheside(weights, rates, repair_s)
    bed = bed_Gy(dose_Gy, g, ratio)
    growth = None
    if doubling_time:
        per_Gy = parse(alpha, "Gy^-1", "--alpha", positive=True, within=("1e-5 Gy^-1", "100 Gy^-1")) if alpha else chosen["alpha_per_Gy"]
        if per_Gy is None:
            raise BadInput('--doubling-time needs alpha to turn growth into dose; give --alpha, such as "0.3 Gy^-1".')
        double_s = parse(doubling_time, "s", "--doubling-time", positive=True, within=("1 min", "1000 year"))
        kick_off_s = parse(kick_off, "s", "--kick-off", within=("0 s", "100 year")) if kick_off else 0.0
        b = bed_with_repopulation(dose_Gy, weights, rates, repair_s, ratio, alpha_per_Gy=per_Gy, doubling_time_s=double_s, kick_off_s=kick_off_s)
        growth = {
            "alpha_per_Gy": per_Gy, "doubling_time_s": double_s, "kick_off_s": kick_off_s, "effective_time_s": b.effective_time_s,
            "loss_Gy": b.loss_Gy, "bed_without_Gy": b.bed_without_Gy,
        }  # fmt: skip
        bed = b.bed_Gy
    elif kick_off or alpha:
        raise BadInput("--kick-off and --alpha describe growth; give --doubling-time with them.")
    record = {
        "bed_Gy": bed, "G": g, "eqd2_Gy": eqd2_Gy(bed, ratio), "repopulation": growth,
        "inputs": {"dose_Gy": dose_Gy, "half_lives_s": half_lives, "weights": weights, "alpha_beta_Gy": ratio, "repair_half_life_s": repair_s},
        "parameters": chosen["name"], "source": chosen["source"], "note": chosen["note"],
    }  # fmt: skip
    if json:
        print_json(record)
        return
    typer.echo(f"BED {show(bed, 'Gy')}   EQD2 {show(record['eqd2_Gy'], 'Gy')}   G {g:.4g}   for {show(dose_Gy, 'Gy')}, alpha/beta {show(ratio, 'Gy')}, repair {show(repair_s, 's')}")
    if growth:
        typer.echo(f"growth takes {show(growth['loss_Gy'], 'Gy')} until {show(growth['effective_time_s'], 's')}, when survivors are fewest; without it {show(growth['bed_without_Gy'], 'Gy')}")
    if chosen["name"]:
        typer.echo(f"{chosen['name']}: {chosen['source']}; {chosen['note']}")


_LN2 = 0.6931471805599453


def _chosen(alpha_beta: str | None, repair: str | None, organ: str | None, name: str | None) -> dict[str, Any]:
    """The parameters from exactly one of the three ways to give them."""
    from ..core import BadInput, near_matches, parse
    from ..radiobiology import bed_parameter_sets, bed_parameters, lq_parameter_sets, lq_parameters

    if sum(x is not None for x in (alpha_beta, organ, name)) != 1:
        raise BadInput("Give exactly one of --alpha-beta (with --repair), --organ and --parameters.")
    repair_s = None if repair is None else parse(repair, "s", "--repair", positive=True, within=("1 s", "1 year"))
    if alpha_beta is not None:
        if repair_s is None:
            raise BadInput('--alpha-beta needs the repair half-life as well; give --repair, such as "2.8 h".')
        ratio = parse(alpha_beta, "Gy", "--alpha-beta", positive=True, within=("0.01 Gy", "1000 Gy"))
        return {"alpha_beta_Gy": ratio, "repair_half_life_s": repair_s, "alpha_per_Gy": None, "name": None, "source": None, "note": None}
    tissues = bed_parameter_sets()
    if organ is not None:
        found = bed_parameters(organ)
        if found is None:
            known = ", ".join(sorted({s.organ for s in tissues.values()}))
            raise BadInput(f"--organ: there are no published parameters for {organ!r}, and another tissue's are not borrowed; give --alpha-beta and --repair, or one of {known}.")
        return _of_tissue(found, repair_s)
    if name in lq_parameter_sets():
        return _of_cell(lq_parameters(name), repair_s)
    if name in tissues:
        return _of_tissue(tissues[name], repair_s)
    names = [*tissues, *(n for n in lq_parameter_sets() if n not in tissues)]
    raise BadInput(f"--parameters: there is no set {name!r}; choose from {', '.join(names)}.{near_matches(str(name), names)}")


def _of_tissue(p: BedParameters, repair_s: float | None) -> dict[str, Any]:
    from ..core import BadInput

    if repair_s is not None:
        raise BadInput(f"--repair: the set {p.name!r} has its own repair half-life; leave --repair out, or give --alpha-beta instead of the set.")
    return {"alpha_beta_Gy": p.alpha_beta_Gy, "repair_half_life_s": p.repair_half_life_s, "alpha_per_Gy": None, "name": p.name, "source": p.source, "note": p.note}


def _of_cell(p: LQParameters, repair_s: float | None) -> dict[str, Any]:
    from ..core import BadInput
    from ..radiobiology import refuse_protraction

    refuse_protraction(p)  # a BED rests on alpha and beta of acute exposure
    if p.beta_per_Gy2 == 0:
        raise BadInput(f"--parameters: the set {p.name!r} is a linear fit, for which a biologically effective dose is the absorbed dose; take another set.")
    if p.repair_half_life_s is not None:
        if repair_s is not None:
            raise BadInput(f"--repair: the set {p.name!r} has its own repair half-life; leave --repair out.")
        repair_s = p.repair_half_life_s
    elif repair_s is None:
        raise BadInput(f'--repair: the set {p.name!r} was published without a repair half-life; give one, such as "1.5 h".')
    return {"alpha_beta_Gy": p.alpha_beta_Gy, "repair_half_life_s": repair_s, "alpha_per_Gy": p.alpha_per_Gy, "name": p.name, "source": p.source, "note": p.note}
