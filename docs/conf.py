"""Sphinx: this folder as a site, ``sphinx-build -W docs docs/_build``."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]

project = "tf-classification"
extensions = ["myst_parser", "reference"]  # the second lies beside this file
exclude_patterns = ["_build"]
nitpicky = True
smartquotes = False  # a quote in a text may be a quote in a file
highlight_language = "none"
myst_heading_anchors = 3
html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["static"]
html_css_files = ["site.css"]
pygments_style = "friendly"
pygments_dark_style = "github-dark"
