"""Values that come from outside, against the fields that are to keep them."""

from __future__ import annotations

from collections.abc import Iterable

from django.core.exceptions import ValidationError
from django.db.models import Model

from synnefo.common.faults import BadRequest


def check_fields(row: Model, names: Iterable[str]) -> None:
    """Raises BadRequest naming the fields of the row whose values are too long or of the wrong form."""
    others = {field.name for field in row._meta.fields} - set(names)
    try:
        row.clean_fields(exclude=others)
    except ValidationError as error:
        texts = [f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items()]
        raise BadRequest(" ".join(texts)) from error
