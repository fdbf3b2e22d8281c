"""Amounts in and out (spec: astakos 2.5)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synnefo.common.units import INFINITE, parse_amount, show_amount


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("4", 4), ("512 MiB", 512 * 2**20), ("20G", 20 * 2**30), ("1kb", 1024), ("1.5 K", 1536),
        ("inf", INFINITE), ("Infinite", INFINITE), (" 7 bytes ", 7), ("1 PB", 2**50),
    ],
)  # fmt: skip
def test_amounts_are_read(text: str, amount: int) -> None:
    assert parse_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    ["", "x", "-1", "1 2", "5 elephants", "1 ib", "0x10", "9000 PB", "9" * 400, "1." + "9" * 5000 + "PB" * 2],
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|unit"):
        parse_amount(text)


@pytest.mark.parametrize(
    ("amount", "unit", "style", "shown"),
    [
        (INFINITE, "bytes", "auto", "inf"), (5, None, "auto", "5"), (2**30, "bytes", "auto", "1 GB"),
        (1536, "bytes", "kb", "1.5 KB"), (10 * 2**20, "bytes", "gb", "0.01 GB"), (7, "bytes", "none", "7"),
        (100, "bytes", "auto", "100 bytes"),
    ],
)  # fmt: skip
def test_amounts_are_shown(amount: int, unit: str | None, style: str, shown: str) -> None:
    assert show_amount(amount, unit, style) == shown


@given(st.integers(0, INFINITE - 1))
def test_exact_amounts_come_back(amount: int) -> None:
    assert parse_amount(show_amount(amount, "bytes", "none")) == amount
    assert parse_amount(show_amount(amount, "bytes", "b")) == amount
