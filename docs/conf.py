"""Configuration of Sphinx."""

from __future__ import annotations

from synnefo import __version__

project = "Synnefo"
author = "The Synnefo maintainers"
release = __version__
extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Synnefo {release}"
