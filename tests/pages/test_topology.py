"""The picture of a project's networks, and what it says in words."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.test import Client

from synnefo.cyclades.networks import routers
from synnefo.cyclades.networks import rules as networks
from synnefo.cyclades.servers.models import Server
from synnefo.cyclades.topology.drawing import Edge, Node, draw
from tests.conftest import People
from tests.pages.conftest import signed_in, texts_of

PAGE = "/ui/topology/"
#: The level part of a path, with its height.
_LANE = re.compile(r",(\d+) H\d+")


def node(key: str) -> Node:
    return Node(key, key, "/", "server")


def test_boxes_stand_in_columns_near_what_they_are_joined_with() -> None:
    columns = [("Left", [node("a"), node("b")]), ("None", []), ("Right", [node("x"), node("y"), node("z")])]
    drawn = draw(columns, [Edge("a", "z", ""), Edge("b", "x", ""), Edge("a", "y", "")])
    rows = {box.node.key: (box.x, box.y) for box in drawn.boxes}
    assert [head for head, _ in drawn.heads] == ["Left", "Right"]
    order = sorted("xyz", key=lambda key: rows[key][1])
    first, second = sorted("ab", key=lambda key: rows[key][1])
    assert (order.index("x") == 2) == (second == "b")
    assert len({rows[key] for key in "abxyz"}) == 5
    assert all(box.y + 40 < drawn.height and box.x + 176 < drawn.width for box in drawn.boxes)
    assert first != second


def test_a_line_past_a_column_goes_where_no_box_is() -> None:
    """Joined with nothing else there, a line behind a box would seem to end at it."""
    columns = [("Out", [node("out")]), ("Ways", [node("way")]), ("Lans", [node("a"), node("b"), node("c")])]
    edges = [Edge("out", "way", ""), Edge("way", "a", ""), Edge("out", "b", ""), Edge("c", "out", "")]
    drawn = draw(columns, edges)
    assert sorted(box.node.key for box in drawn.boxes) == ["a", "b", "c", "out", "way"]
    [way] = [box for box in drawn.boxes if box.node.key == "way"]
    level = {line.edge: int(found[1]) for line in drawn.lines if (found := _LANE.search(line.path))}
    assert set(level) == {edges[2], edges[3]}
    assert len(set(level.values())) == 1, "one lane for all that come from there"
    assert not way.y - 8 < level[edges[2]] < way.y + 48
    assert 0 < level[edges[2]] < drawn.height


def test_names_that_are_too_long_are_cut_and_told_whole() -> None:
    drawn = draw([("One", [node("a-name-that-is-much-too-long")])], [])
    assert drawn.boxes[0].short == "a-name-that-is-m…"


def test_without_anything_it_says_what_it_will_show(alice: Client) -> None:
    assert "Nothing to draw yet" in texts_of(alice.get(PAGE))


def test_everything_of_a_project_stands_in_it_and_leads_to_its_page(
    alice: Client, cloud: People, server: Server, network: Any, public_network: Any
) -> None:
    page = texts_of(alice.get(PAGE))
    assert "lan public a way out of its own" in page
    router = routers.create(cloud.alice.caller, name="edge", external=public_network.uuid)
    routers.add_interface(cloud.alice.caller, router.uuid, subnet_uuid=network.subnets.get().uuid)
    answer = alice.get(PAGE)
    page = texts_of(answer)
    for words in ("edge public gateway", "lan edge 10.0.0.1", "web-1 lan 10.0.0.2"):
        assert words in page
    assert "lan public a way out" not in page
    links = re.findall(r'<a href="([^"]+)" class="topology-node"', answer.content.decode())
    assert set(links) == {
        f"/ui/networks/{public_network.uuid}/", f"/ui/routers/{router.uuid}/",
        f"/ui/networks/{network.uuid}/", f"/ui/servers/{server.uuid}/",
    }  # fmt: skip


def test_what_others_have_is_not_in_it(bob: Client, client: Client, cloud: People, server: Server) -> None:
    for other in (bob, signed_in(cloud.admin)):
        page = texts_of(other.get(PAGE))
        assert "web-1" not in page
        assert "lan" not in re.findall(r"\w+", page)
    assert client.get(PAGE)["Location"].startswith("/ui/login/")


def test_it_costs_the_same_number_of_queries_whatever_it_shows(
    alice: Client, cloud: People, new_server: Callable[..., Server], django_assert_max_num_queries: Any
) -> None:
    for number in range(4):
        made = networks.create(cloud.alice.caller, name=f"n-{number}")
        subnet = networks.create_subnet(cloud.alice.caller, made.uuid, cidr=f"10.1.{number}.0/24")
        router = routers.create(cloud.alice.caller, name=f"r-{number}")
        routers.add_interface(cloud.alice.caller, router.uuid, subnet_uuid=subnet.uuid)
        new_server(f"web-{number}")
    with django_assert_max_num_queries(36):
        assert "r-3" in texts_of(alice.get(PAGE))


def test_the_living_part_is_sent_again_only_when_it_changed(
    alice: Client, cloud: People, network: Any
) -> None:
    first = alice.get(PAGE + "picture/")
    assert alice.get(PAGE + "picture/", headers={"If-None-Match": first["ETag"]}).status_code == 304
    networks.rename(cloud.alice.caller, network.uuid, name="other")
    assert alice.get(PAGE + "picture/", headers={"If-None-Match": first["ETag"]}).status_code == 200
