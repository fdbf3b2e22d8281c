from __future__ import annotations

import pytest
from django.test import override_settings

from synnefo.common.sealing import Broken, seal, unseal


def test_what_was_sealed_opens_for_its_purpose_alone() -> None:
    sealed = seal("a τoken", "component")
    assert unseal(sealed, "component") == "a τoken"
    assert "token" not in sealed
    with pytest.raises(Broken):
        unseal(sealed, "signing")


def test_the_same_text_is_sealed_in_another_way_each_time() -> None:
    assert seal("token", "component") != seal("token", "component")


def test_the_old_key_opens_what_it_sealed_while_it_is_a_fallback() -> None:
    sealed = seal("token", "component")
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=["only-for-tests"]):
        assert unseal(sealed, "component") == "token"
    with override_settings(SECRET_KEY="another"), pytest.raises(Broken):
        unseal(sealed, "component")


@pytest.mark.parametrize("sealed", ["", "?", "AAAA", "ä", "A" * 80])
def test_garbage_is_told_as_such(sealed: str) -> None:
    with pytest.raises(Broken):
        unseal(sealed, "component")
