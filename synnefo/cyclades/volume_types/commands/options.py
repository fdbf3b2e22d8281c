"""Options by which commands name what is said of volume types."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandError

from synnefo.cyclades.volume_types.models import VolumeType


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


def type_of(number: int) -> VolumeType:
    """By its number, also one that is retired. Raises CommandError."""
    found = VolumeType.objects.filter(pk=number).first()
    if found is None:
        raise CommandError(f"there is no volume type {number}")
    return found
