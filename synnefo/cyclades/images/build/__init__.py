"""Builders of guest images from Debian packages, by name.

Owns how a disk image comes to be, not where it is kept or who may use it: plain functions of paths.
"""

from __future__ import annotations
