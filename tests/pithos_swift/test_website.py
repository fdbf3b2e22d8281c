"""Containers that are shown as web sites, to whoever comes."""

from __future__ import annotations

import hmac
import time

import pytest

from tests.pithos_kit import body_of
from tests.pithos_swift.conftest import TOP, Api
from tests.pithos_swift.test_large import KEY

OPEN = {"X_Container_Read": ".r:*,.rlistings"}


@pytest.fixture
def nobody(api: Api) -> Api:
    return Api("", api.account)


def site(api: Api, **said: str) -> None:
    headers = {f"X_Container_Meta_Web_{name}": text for name, text in said.items()}
    assert api("POST", "c", **OPEN, **headers).status_code == 204


def page(api: Api, path: str, status: int = 200, **headers: str) -> str:
    response = api("GET", path, **headers)
    assert response.status_code == status, body_of(response)
    return body_of(response).decode()


def test_a_folder_is_shown_by_its_index(api: Api, nobody: Api) -> None:
    for name in ("index.html", "dir/index.html"):
        api.put(f"c/{name}", f"this is {name}")
    site(api, Index="index.html")
    assert page(nobody, "c/") == "this is index.html"
    assert page(nobody, "c/dir/") == "this is dir/index.html"
    for path in ("c", "c/dir"):
        response = nobody("GET", path)
        there = f"http://testserver{TOP}AUTH_{api.account}/{path}/"
        assert (response.status_code, response["Location"]) == (301, there)
    assert nobody("GET", "c/absent").status_code == nobody("GET", "c/absent/").status_code == 404
    assert api.lines("c/") == ["dir/index.html", "index.html"]
    assert page(api, "c/", X_Web_Mode="true") == "this is index.html"


def test_without_an_index_there_is_a_list_where_the_owner_wants_one(api: Api, nobody: Api) -> None:
    api.put("c/a & b", "x")
    api.put("c/dir/one", "x" * 2048)
    assert api("PUT", "c/dir/sub", b"", "application/directory").status_code == 201
    site(api, Index="absent.html")
    page(nobody, "c/", 404)
    site(api, Listings="true", Listings_Css="list.css")
    top = page(nobody, "c/")
    assert f"Listing of {TOP}AUTH_{api.account}/c/" in top
    assert '<a href="a%20%26%20b">a &amp; b</a>' in top
    assert '<a href="dir/">dir/</a>' in top
    assert 'href="list.css"' in top
    assert "../" not in top
    below = page(nobody, "c/dir/")
    assert '<a href="../">../</a>' in below
    assert '<a href="one">one</a></td><td>2.0\xa0KB' in below
    assert 'href="../list.css"' in below
    assert nobody("GET", "c/dir/sub").status_code == 404


def test_pages_of_a_site_run_no_scripts(api: Api, nobody: Api) -> None:
    api("PUT", "c/index.html", b"<script>alert(1)</script>", "text/html")
    site(api, Index="index.html", Listings="true")
    for path in ("c/", "c/index.html"):
        policy = nobody("GET", path)["Content-Security-Policy"]
        assert policy.startswith("sandbox")
        assert "allow-scripts" not in policy
        assert "'none'" not in policy


def test_errors_are_shown_as_the_owner_wants(api: Api, nobody: Api) -> None:
    api.put("c/404error.html", "our own page")
    site(api, Index="index.html", Error="error.html")
    assert page(nobody, "c/absent", 404) == "our own page"


def test_a_site_shows_nothing_to_those_who_may_not_read_it(api: Api, nobody: Api) -> None:
    api.put("c/index.html", "index")
    assert api("POST", "c", X_Container_Meta_Web_Listings="true").status_code == 204
    for path in ("c", "c/", "c/index.html", "c/absent", "c/absent/"):
        assert nobody("GET", path).status_code == 401
    readable = {"X_Container_Read": ".r:*", "X_Container_Meta_Web_Index": "index.html"}
    assert api("POST", "c", **readable).status_code == 204
    assert page(nobody, "c/") == "index"
    assert nobody("GET", "c/absent/").status_code == 401  # reading is not listing


def test_who_has_a_link_for_what_is_below_a_prefix_lists_that_alone(api: Api, nobody: Api) -> None:
    assert api("POST", "", X_Account_Meta_Temp_URL_Key=KEY).status_code == 204
    api.put("c/dir/one", "1")
    api.put("c/other", "2")
    site(api, Listings="true")
    assert api("POST", "c", X_Remove_Container_Read="x").status_code == 204
    place, ends = f"/v1/AUTH_{api.account}/c/dir/", int(time.time()) + 60
    signature = hmac.new(KEY.encode(), f"GET\n{ends}\nprefix:{place}".encode(), "sha256").hexdigest()
    url = f"{place}?temp_url_prefix=dir/&temp_url_expires={ends}&temp_url_sig={signature}"
    found = page(nobody, url)
    assert 'href="one?temp_url_prefix=dir/&amp;temp_url_expires=' in found
    assert "../" not in found
    assert nobody("GET", url.replace("/c/dir/", "/c/")).status_code == 401
    assert nobody("GET", url.replace("/c/dir/", "/c/other")).status_code == 401
