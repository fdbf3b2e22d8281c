"""The routes of all nouns below their APIs' prefixes, with and without ``.json`` or a slash at the end."""

from __future__ import annotations

import re

from django.urls import URLPattern, re_path

from synnefo.common.http.plain import unknown
from synnefo.cyclades.flavors.api import synnefo as flavors
from synnefo.cyclades.images.api import synnefo as compute_images
from synnefo.cyclades.images.api import synnefo_image as images
from synnefo.cyclades.keypairs.api import synnefo as keypairs
from synnefo.cyclades.keypairs.api import userdata
from synnefo.cyclades.networks.api import synnefo as networks
from synnefo.cyclades.networks.api import synnefo_floating as floating
from synnefo.cyclades.servers.api import synnefo as servers
from synnefo.cyclades.servers.api import synnefo_disks as volumes
from synnefo.cyclades.servers.api import synnefo_ports as ports
from synnefo.cyclades.servers.api import synnefo_tags as tags
from synnefo.cyclades.servers.api import synnefo_volumes as attachments
from synnefo.cyclades.servers.api import vmapi
from synnefo.cyclades.synnefo_api import versions
from synnefo.cyclades.synnefo_api.kit import Routes
from synnefo.cyclades.upkeep import api as figures
from synnefo.cyclades.volumes.api import synnefo as snapshots

#: What stands for a parameter in a path: anything for texts, digits for the rest.
_TEXTS = {
    "name": r".+?",
    "key": r".+?",
    "tag": r".+?",
    "alias": r"[^/]+?",
    "image_id": r"[^/]+?",
    "snapshot_id": r"[^/]+?",
    "member": r"[^/]+?",
    "secret_id": r"[0-9a-f-]{36}",
}
_SUFFIX, _END = r"(?:\.json|\.xml)?", r"/?$"


def _at(prefix: str, *groups: Routes) -> list[URLPattern]:
    return [
        re_path(_regex(prefix + template), view) for routes in groups for template, view in routes.items()
    ]


def _regex(template: str) -> str:
    def parameter(match: re.Match[str]) -> str:
        return f"(?P<{match[1]}>{_TEXTS.get(match[1], r'[0-9]+')})"

    suffix = "" if template.endswith(("{name}", "{key}", "{tag}")) else _SUFFIX
    return "^" + re.sub(r"\{(\w+)\}", parameter, template.replace(".", r"\.")) + suffix + _END


urlpatterns: list[URLPattern] = [
    re_path(r"^compute/?$", versions.compute_versions),
    re_path(r"^network/?$", versions.network_versions),
    re_path(r"^volume/?$", versions.volume_versions),
    re_path(r"^image(?:/versions)?/?$", versions.image_versions),
    *_at(
        "compute/v2.0",
        versions.COMPUTE,
        flavors.ROUTES,
        compute_images.ROUTES,
        servers.ROUTES,
        tags.ROUTES,
        attachments.ROUTES,
        keypairs.ROUTES,
        floating.COMPUTE_ROUTES,
    ),
    *_at("network/v2.0", versions.NETWORK, networks.ROUTES, ports.ROUTES),
    *_at("volume/v2.0", volumes.ROUTES, snapshots.ROUTES),
    *_at("volume/v2", volumes.ROUTES, snapshots.ROUTES),
    *_at("image/v1.0", images.ROUTES),
    *_at("image/v1", images.ROUTES),
    *_at("userdata", userdata.ROUTES),
    *_at("vmapi/v1.0", vmapi.ROUTES),
    *_at("admin", figures.ROUTES),
    re_path(r"^(?:compute|network|image|volume)/(?P<path>.*)$", unknown),
]
