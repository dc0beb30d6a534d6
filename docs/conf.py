"""Sphinx settings of lutetia's documentation."""

from lutetia import __version__

project = "lutetia"
author = "the lutetia contributors"
copyright = "the lutetia contributors"
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.mathjax", "numpydoc"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings give types, shapes and units
autosummary_generate = False  # numpydoc brings autosummary along
numpydoc_show_class_members = False

html_static_path = ["_static"]
html_theme = "alabaster"
html_title = f"lutetia {release}"
html_copy_source = False
html_theme_options = {
    "description": "Radioligand therapy, from the scanner's files to absorbed dose with its uncertainty. Research use, not a medical device.",
    "fixed_sidebar": True,
    "page_width": "1100px",
    "sidebar_width": "240px",
}


def _examples(app, what, name, obj, options, lines):
    """Give a doctest that follows a section its own heading, with the sentence that introduces it."""
    first = next((n for n, line in enumerate(lines) if line.startswith(">>>")), None)
    if first is None or "Examples" in lines:
        return
    start = first
    for n in range(first - 1, -1, -1):
        if lines[n].startswith(" "):  # the section before
            lines[start:start] = ["Examples", "--------"]
            return
        if lines[n].startswith("---"):  # running text of a section
            return
        if lines[n]:
            start = n


def _bars(app, what, name, obj, options, lines):
    """A bar in a docstring is an absolute value, not a substitution."""
    lines[:] = [line.replace("|", r"\|") for line in lines]


def setup(app):
    app.connect("autodoc-process-docstring", _examples, priority=100)  # before numpydoc
    app.connect("autodoc-process-docstring", _bars, priority=900)
