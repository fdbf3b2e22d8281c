"""Starting a process: Django is set up, or the configuration's fault is said in one line."""

from __future__ import annotations

import os
import sys

import django

from synnefo.common.conf import ConfigurationError


def set_up() -> None:
    """Set Django up; a faulty configuration ends the process with status 78 (EX_CONFIG)."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "synnefo.settings")
    try:
        django.setup()
    except ConfigurationError as error:
        sys.stderr.write(f"synnefo: configuration: {error}\n")
        raise SystemExit(os.EX_CONFIG) from None
