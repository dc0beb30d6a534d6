"""One comparison: ours against a published number, with the tolerance that the source supports."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """`tolerance` is relative; `None` compares for information."""

    what: str
    ours: float
    reference: float
    tolerance: float | None

    @property
    def difference(self) -> float:
        return self.ours / self.reference - 1

    @property
    def within(self) -> bool:
        return self.tolerance is None or abs(self.difference) <= self.tolerance


@dataclass(frozen=True)
class Section:
    """A table of comparisons with one source."""

    title: str
    source: str
    unit: str
    rows: list[Row]
    remark: str = ""
    text: list[str] = field(default_factory=list)

    @property
    def within(self) -> bool:
        return all(r.within for r in self.rows)

    def markdown(self) -> str:
        out = [f"## {self.title}", "", f"Reference: {self.source}", ""]
        if self.rows:
            out += [f"| | lutetia ({self.unit}) | reference | difference | wanted within |", "|---|---:|---:|---:|---:|"]
            for r in self.rows:
                wanted = "" if r.tolerance is None else f"{100 * r.tolerance:g} %"
                miss = "" if r.within else " **missed**"
                out.append(f"| {r.what} | {r.ours:.5g} | {r.reference:.5g} | {100 * r.difference:+.2f} % | {wanted}{miss} |")
            out.append("")
        if self.remark:
            out += [self.remark, ""]
        return "\n".join(out + self.text + ([""] if self.text else []))
