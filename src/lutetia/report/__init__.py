"""Results to HTML, figures and plain text. This room shows what a result holds; it computes no physics."""

from .explain import explain, load_result
from .html import write_report
from .planes import ReportImages
from .run import write_run_report

__all__ = ["ReportImages", "explain", "load_result", "write_report", "write_run_report"]
