"""Form fields that several of Astakos' pages have."""

from __future__ import annotations

from typing import Any

from django import forms

from synnefo.astakos.catalog.models import Resource
from synnefo.astakos.shown import amount_words, title_of, typed_amount


class AmountField(forms.CharField):
    """An amount of a resource as people write it, to a number; None where it is left empty.

    What was proposed (``was``) and comes back as it was shown is that very number, not its rounded words.
    """

    def __init__(self, resource: Resource, was: int | None = None, **kwargs: Any) -> None:
        required = {"required": f"{title_of(resource)}: say how much."}
        super().__init__(max_length=40, error_messages=required, **kwargs)
        self.resource, self.was = resource, was

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        if self.was is not None and text == amount_words(self.was, self.resource.unit):
            return self.was
        try:
            return typed_amount(text, self.resource.unit)
        except ValueError as error:
            raise forms.ValidationError(f"{title_of(self.resource)}: {error}") from error
