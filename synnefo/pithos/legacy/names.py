"""Accounts with their groups, containers, paths, and to whom these are shared or shown."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal

from django.conf import settings
from django.db.models import Model

from synnefo.common.legacy.source import Row, Source, Sql
from synnefo.common.legacy.steps import Numbered, Step
from synnefo.pithos.legacy.source import ACCOUNTS, CONTAINERS, OBJECTS
from synnefo.pithos.legacy.world import World
from synnefo.pithos.namespace.models import (
    Account,
    Container,
    Group,
    GroupMember,
    Object,
    PublicLink,
    Share,
)

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_WRITE = 1


def moment(seconds: Decimal) -> datetime.datetime:
    """Seconds since the epoch as the old system kept them, to the microsecond."""
    return _EPOCH + datetime.timedelta(microseconds=int(seconds * 1_000_000))


def _attributes(node: str, prefix: str) -> Sql:
    """What clients have set of a node, as its latest version has it; without what headers begin with."""
    length = len(prefix)
    name = f"CASE WHEN left(t.key, {length}) = '{prefix}' THEN substr(t.key, {length + 1}) ELSE t.key END"
    return (
        f"coalesce((SELECT json_object_agg({name}, coalesce(t.value, '')) FROM attributes t"  # noqa: S608
        f" WHERE t.serial = {node}.latest_version AND t.domain = 'pithos'), '{{}}')"
    )


def _accounts(source: Source) -> Sql:
    return (
        f"SELECT a.node AS key, a.path, {_attributes('a', 'X-Account-Meta-')} AS attributes,"  # noqa: S608  constants of ours
        " (SELECT min(v.mtime) FROM versions v WHERE v.node = a.node) AS begun,"
        " (SELECT max(v.mtime) FROM versions v WHERE v.node = a.node) AS changed,"
        " (SELECT max(s.mtime) FROM statistics s JOIN nodes c ON c.node = s.node WHERE c.parent = a.node)"
        "   AS changed_below"
        f" FROM {ACCOUNTS}"
    )


def _account(row: Row, world: World) -> Iterator[Model]:
    yield Account(
        pk=row["key"],
        name=row["path"],
        created=moment(row["begun"] or Decimal()),
        modified=_latest(row),
        attributes=row["attributes"],
    )


def _containers(source: Source) -> Sql:
    now = "FROM nodes n JOIN versions v ON v.node = n.node AND v.cluster = 0 WHERE n.parent = c.node"
    return (
        f"SELECT c.node AS key, c.path, {_attributes('c', 'X-Container-Meta-')} AS attributes,"  # noqa: S608  constants of ours
        " a.path AS account, a.node AS account_id,"
        " coalesce((SELECT json_object_agg(p.key, p.value) FROM policy p WHERE p.node = c.node), '{}')"
        "   AS policy,"
        " (SELECT min(v.mtime) FROM versions v WHERE v.node = c.node) AS begun,"
        " (SELECT max(v.mtime) FROM versions v WHERE v.node = c.node) AS changed,"
        " (SELECT max(s.mtime) FROM statistics s WHERE s.node = c.node) AS changed_below,"
        f" (SELECT count(*) {now}) AS objects, (SELECT coalesce(sum(v.size), 0) {now}) AS size,"
        " (SELECT s.population || ' ' || s.size FROM statistics s WHERE s.node = c.node AND s.cluster = 0)"
        "   AS counted"
        f" FROM {CONTAINERS}"
    )


def _container(row: Row, world: World) -> Iterator[Model]:
    policy, size_bytes = row["policy"], int(row["size"])
    if row["counted"] not in (None, f"{row['objects']} {size_bytes}"):
        world.report.note("container whose statistics were wrong: counted anew", row["path"])
    versioning = policy.get("versioning") or settings.PITHOS_BACKEND_VERSIONING
    if versioning not in Container.Versioning.values:
        world.report.note("versioning policy that is not known: auto", f"{row['path']} {versioning}")
        versioning = Container.Versioning.AUTO
    yield Container(
        pk=row["key"],
        account_id=row["account_id"],
        name=_below(row["path"], row["account"]),
        created=moment(row["begun"] or Decimal()),
        modified=_latest(row),
        attributes=row["attributes"],
        project=policy.get("project") or row["account"],
        versioning=versioning,
        quota_bytes=int(policy.get("quota") or settings.PITHOS_BACKEND_CONTAINER_QUOTA),
        object_count=row["objects"],
        size_bytes=size_bytes,
    )


def _objects(source: Source) -> Sql:
    """Paths with a history; of others only the node was left."""
    return (
        f"SELECT n.node AS key, n.path, c.path AS container, c.node AS container_id FROM {OBJECTS}"  # noqa: S608
        " WHERE EXISTS (SELECT 1 FROM versions v WHERE v.node = n.node)"
    )


def _object(row: Row, world: World) -> Iterator[Model]:
    yield Object(pk=row["key"], container_id=row["container_id"], name=_below(row["path"], row["container"]))


def _groups(source: Source) -> Sql:
    """All groups of an account; those of whom there is no account have none to be shared by."""
    return (
        "SELECT a.node AS key, a.path, g.groups FROM (SELECT owner,"  # noqa: S608  constants of ours
        " json_agg(json_build_array(name, member) ORDER BY name, member) AS groups"
        " FROM groups GROUP BY owner) AS g"
        f" JOIN nodes a ON a.path = g.owner AND a.node IN (SELECT a.node FROM {ACCOUNTS})"
    )


def _group(row: Row, world: World) -> None:
    made: dict[str, Group] = {}
    for name, member in row["groups"]:
        if name not in made:
            made[name] = Group.objects.create(account_id=row["key"], name=name)
        GroupMember.objects.create(group=made[name], user=member)


def _of_paths(table: str, columns: Sql, key: str) -> Sql:
    """Rows about a path, with the number of the path if there is anything."""
    return (
        f"SELECT t.{key} AS key, t.path, {columns},"  # noqa: S608  constants of ours
        f" (SELECT n.node FROM {OBJECTS} WHERE n.path = t.path"
        "   AND EXISTS (SELECT 1 FROM versions v WHERE v.node = n.node AND v.cluster = 0)) AS node"
        f" FROM {table} t"
    )


def _shares(source: Source) -> Sql:
    values = (
        "(SELECT json_agg(json_build_array(x.value, x.key)) FROM xfeaturevals x"
        " WHERE x.feature_id = t.feature_id) AS shares"
    )
    return _of_paths("xfeatures", values, "feature_id")


def _share(row: Row, world: World) -> Iterator[Model]:
    if row["node"] is None:
        world.report.note("shared path with nothing there: left behind", row["path"])
        return
    found: dict[str, bool] = {}
    for who, mode in row["shares"] or ():
        found[who] = found.get(who, False) or mode == _WRITE
    for who, write in found.items():
        yield Share(object_id=row["node"], who=who, write=write)


def _links(source: Source) -> Sql:
    return f"{_of_paths('public', 't.url, t.active', 'public_id')} WHERE t.active"


def _link(row: Row, world: World) -> Iterator[Model]:
    if row["node"] is None or not row["url"]:
        world.report.note("public path with nothing there: left behind", row["path"])
        return
    yield PublicLink(object_id=row["node"], url=row["url"])


def _below(path: str, parent: str) -> str:
    return path[len(parent) + 1 :]


def _latest(row: Row) -> datetime.datetime:
    times = (row["begun"], row["changed"], row["changed_below"])
    return moment(max((one for one in times if one is not None), default=Decimal()))


ACCOUNT_STEPS: tuple[Step[World], ...] = (
    Step("accounts", _accounts, _account, (Numbered(Account, "nodes", "node"),)),
    Step("groups of accounts", _groups, merge=_group),
    Step("containers", _containers, _container, (Numbered(Container, "nodes", "node"),)),
    Step("paths", _objects, _object, (Numbered(Object, "nodes", "node"),)),
)
SHARING_STEPS: tuple[Step[World], ...] = (
    Step("shared paths", _shares, _share),
    Step("public links", _links, _link),
)
