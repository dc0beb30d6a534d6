"""Kinetic models of others, in SBML, and what a model of a radioligand must satisfy. The only importer of libroadrunner."""

from .findings import Finding
from .lint import LintReport, lint_sbml

__all__ = ["Finding", "LintReport", "lint_sbml"]
