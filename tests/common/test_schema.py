"""What the models declare is what the migrations leave behind, in each kind of database."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import Model, UniqueConstraint

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model._meta.label)
def test_every_constraint_and_index_that_is_declared_is_there(model: type[Model]) -> None:
    meta = model._meta
    with connection.cursor() as cursor:
        there = connection.introspection.get_constraints(cursor, meta.db_table)
    assert {one.name for one in (*meta.constraints, *meta.indexes)} <= there.keys()
    unique = [one.name for one in meta.constraints if isinstance(one, UniqueConstraint)]
    assert all(there[name]["unique"] for name in unique)
    sole = {one["columns"][0] for one in there.values() if one["unique"] and len(one["columns"]) == 1}
    assert {field.column for field in meta.local_fields if field.unique} <= sole
    begun = {
        one["columns"][0] for one in there.values() if one["columns"] and (one["index"] or one["unique"])
    }
    assert {field.column for field in meta.local_fields if field.db_index} <= begun
