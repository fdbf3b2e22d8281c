"""Options by which commands name what is said of flavors."""

from __future__ import annotations

import argparse


def pairs(text: str) -> dict[str, str]:
    """``KEY=VALUE,KEY=VALUE``"""
    found: dict[str, str] = {}
    for part in filter(None, text.split(",")):
        key, equals, value = part.partition("=")
        if not equals or not key.strip():
            raise argparse.ArgumentTypeError(f"{part!r}: write KEY=VALUE")
        found[key.strip()] = value
    return found


def words(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
