"""Sizes and amounts, in and out (spec: astakos 2.5). Base 1024; the infinite limit is 2^63 - 1."""

from __future__ import annotations

import re
from decimal import Decimal

INFINITE = 2**63 - 1
MIB = 2**20
GIB = 2**30

_POWERS = {"": 0, "bytes": 0, "b": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_STYLES = ("b", "kb", "mb", "gb", "tb", "pb")
STYLES = (*_STYLES, "auto", "none")
_AMOUNT = re.compile(r"^\s*([0-9]*\.?[0-9]+)\s*([a-z]*)\s*$", re.IGNORECASE)


def parse_amount(text: str) -> int:
    """``"10 GiB"`` to bytes, ``"inf"`` to the infinite limit. Raises ValueError."""
    if text.strip().lower() in ("inf", "infinite"):
        return INFINITE
    match = _AMOUNT.match(text)
    if match is None:
        raise ValueError(f"{text!r} is not an amount (examples: 4, 512 MiB, 20G, inf)")
    number, unit = match.group(1), match.group(2).lower()
    power = _POWERS.get(unit, _POWERS.get(re.sub(r"(?<=[kmgtp])i?b$", "", unit)))
    if power is None:
        raise ValueError(f"{unit!r} is not a unit (none, bytes, KB, MB, GB, TB, PB)")
    amount = int(Decimal(number) * 1024**power)
    if amount > INFINITE:
        raise ValueError(f"{text!r} is an amount beyond 2^63 - 1")
    return amount


def show_amount(amount: int, unit: str | None, style: str = "auto") -> str:
    """An amount of a resource for people; ``style`` is one of b kb mb gb tb pb auto none."""
    if amount >= INFINITE:
        return "inf"
    if unit != "bytes" or style == "none":
        return str(amount)
    power = _auto_power(amount) if style == "auto" else _STYLES.index(style.lower())
    value = amount / 1024**power
    decimals = 3 if value < 1 else 2 if value < 10 else 1
    text = f"{value:.{decimals}f}".rstrip("0").rstrip(".") if power else str(amount)
    return f"{text} {'bytes' if power == 0 else _STYLES[power].upper()}"


def _auto_power(amount: int) -> int:
    power = 0
    while power < len(_STYLES) - 1 and abs(amount) >= 1024 ** (power + 1):
        power += 1
    return power
