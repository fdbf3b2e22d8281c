"""Recorded calls that are not replayed, each with the reason. What is listed nowhere is replayed."""

from __future__ import annotations

import re
from typing import Any

Call = dict[str, Any]
CREATED = 201

#: "group METHOD path" as a regular expression, and why.
BY_NAME: tuple[tuple[str, str], ...] = (
    (r"build-(projects|pithos) \w+ /astakos/.*", "before the projects were as they are here from the start"),
    (r".* \w+ /cyclades/image/v1.0/.*/members.*", "sharing and publishing come later"),
    (r"build-.* (POST|PUT) /cyclades/image/.*", "IMAGES"),
    (r".* \w+ /astakos/account/v1.0/(projects|myaccount).*", "projects and memberships come later"),
    (r".* \w+ /cyclades/volume/.*", "volumes and snapshots come later"),
    (r".* PUT /pithos/.*%ff.*", "a name that is not UTF-8 is kept percent-encoded, and counts"),
    (r".* \w+ .*/os-volume_attachments.*", "volumes and snapshots come later"),
    (r".* GET /astakos/(ui/.*|nowhere)", "pages of the old console"),
    (r".* POST /astakos/account/v1.0/feedback", "a form of the old console"),
    (r".* GET /cyclades/admin/stats/.*", "the operators' statistics come later"),
    (r".* \w+ .*/pithos/public/.*", "sharing and publishing come later"),
    (r".* GET .*/object-store/v1/?\?format=.*", "sharing and publishing come later"),
    (r".* GET .*[?&](shared|public)=.*", "sharing and publishing come later"),
    (r"fixture-read GET /astakos/account/v1.0/(service_)?(project_)?quotas.*",
     "usage of things that are not made here: volumes, projects"),
)  # fmt: skip
#: What waits for cards of running servers, tags, resizing, other projects and registered images.
LATER = frozenset({
    1056, 1071, 1083, 1090, 1105, 1106, 1107, 1108, 1109, 1111, 1112, 1113, 1115, 1116, 1117, 1118,
    1119, 1120, 1121, 1122, 1123, 1126, 1127, 1129, 1131, 1132, 1134, 1135, 1138, 1140, 1141, 1545,
    1546, 1547, 1548, 1549, 1550, 1554, 1555, 1556, 1557, 1561, 1565, 1566, 1567, 1568, 1569, 1570,
    1571, 1572, 1573, 1574, 1575, 1578, 1580, 1581, 1582, 1583, 1584, 1586, 1589, 1596, 1599, 1600,
    1602, 1610, 1611, 1612, 1613, 1615, 1616, 1617, 1618, 1619, 1620, 1621, 1622, 1623, 1628, 1631,
    1634, 1636, 1637, 1639, 1643, 1644, 1645, 1646, 1677, 1679, 1681, 1683, 1685, 1687, 1691, 1695,
    1698, 1701, 1704, 1708, 1710, 1712, 1714, 1826, 1972, 1983, 1997, 2000, 2019, 2020, 2022, 2026,
    2027, 2031, 2036, 2037, 2038, 2039, 2040, 2041, 2042, 2043, 2044, 2045, 2046, 2047, 2048, 2049,
    2050, 2051, 2052, 2053, 2054, 2055, 2056, 2057, 2058, 2059, 2060, 2061, 2062, 2063, 2064, 2065,
    2066, 2067, 2068, 2069, 2070, 2071, 2072, 2073, 2074, 2075, 2076, 2077, 2078, 2079, 2080, 2081,
    2082, 2084, 2085, 2086, 2087, 2088, 2089, 2090, 2091, 2093, 2094, 2095, 2096, 2097, 2098, 2099,
    2100, 2110, 2111, 2112, 2113, 2114, 2117, 2123, 2124, 2125, 2126, 2127, 2128, 2130, 2135, 2153,
    2155, 2156, 2158, 2159, 2161, 2163, 2165, 2167, 2169, 2170, 2171, 2172, 2173, 2174, 2176, 2177,
    2178, 2179, 2180, 2183, 2185, 2191, 2192, 2194, 2195, 2197, 2246
})  # fmt: skip
_SHARING = re.compile(r"X-Object-Sharing|X-Object-Public|X-Account-Group-.*", re.IGNORECASE)
_ACCOUNT = re.compile(r"/pithos/object-store/v1/([0-9a-f-]{36})")


def reason(call: Call, owner_of: dict[str, str]) -> str | None:
    """Why a call is left out; ``owner_of``: recorded token to recorded uuid."""
    name = f"{call['group']} {call['request']['method']} {call['request']['path']}"
    if call["seq"] in LATER:
        return "not offered yet"
    for pattern, why in BY_NAME:
        if re.fullmatch(pattern, name):
            return why
    return "sharing and publishing come later" if _is_about_sharing(call, owner_of) else None


#: Services of the recorded catalog that this cloud does not have.
_SERVICES = ("astakos_weblogin", "astakos_oauth2", "cyclades_admin", "cyclades_volume", "cyclades_vmapi")


def _offered(call: Call) -> Call:
    """The recorded answer without services that are not there."""
    body = (call["response"]["body"] or {}).get("json")
    if not isinstance(body, dict) or "serviceCatalog" not in body.get("access", {}):
        return call
    catalog = [row for row in body["access"]["serviceCatalog"] if row["name"] not in _SERVICES]
    body = {**body, "access": {**body["access"], "serviceCatalog": catalog}}
    return {**call, "response": {**call["response"], "body": {"json": body}}}


def as_played(call: Call, token_of: dict[str, str]) -> Call:
    """The call without what would share something; what others did because it was shared, its owner does.

    ``token_of``: recorded uuid to recorded token.
    """
    request = call["request"]
    kept = [pair for pair in request["headers"] if not _SHARING.fullmatch(pair[0])]
    account = _ACCOUNT.match(request["path"])
    if account is not None and request["method"] == "PUT" and call["response"]["status"] == CREATED:
        kept = [[name, token_of[account[1]] if name == "X-Auth-Token" else value] for name, value in kept]
    return _offered({**call, "request": {**request, "headers": kept}})


def _is_about_sharing(call: Call, owner_of: dict[str, str]) -> bool:
    """It is let in by sharing, or refused for how it shares."""
    request, status = call["request"], call["response"]["status"]
    headers = {name.lower(): value for name, value in request["headers"]}
    if status >= 400:
        return (
            any(map(_SHARING.fullmatch, headers)) and owner_of.get(headers["x-auth-token"]) in request["path"]
        )
    account = _ACCOUNT.match(request["path"])
    foreign = account is not None and owner_of.get(headers.get("x-auth-token", "")) != account[1]
    return foreign and request["method"] != "PUT"
