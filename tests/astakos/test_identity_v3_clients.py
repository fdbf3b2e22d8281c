"""The directory by the unmodified ``openstack`` command line and openstacksdk, over real HTTP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from tests.astakos.conftest import PASSWORD, Person

pytestmark = pytest.mark.django_db(transaction=True)

PROGRAM = Path(__file__).with_name("command_line.py")
NEW = "a-sufficient-password"


@pytest.fixture
def url(live_server: Any, root: Person) -> str:
    return f"{live_server.url}/astakos/identity/v3"


@pytest.fixture
def run(url: str, tmp_path: Path) -> Callable[..., list[Any]]:
    """What command lines of the administrator's print, as JSON where they have any."""

    def run(*lines: str, fails: bool = False, **variables: str) -> list[Any]:
        scope = {} if "OS_SYSTEM_SCOPE" in variables else {"OS_PROJECT_NAME": variables.pop("project", "")}
        named = {name: value for name, value in scope.items() if value}
        domains = {"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default"}
        done = subprocess.run(
            [sys.executable, str(PROGRAM)],
            input=json.dumps([line.split() for line in lines]),
            env={
                "PATH": os.defpath, "HOME": str(tmp_path), "OS_AUTH_URL": url, "OS_IDENTITY_API_VERSION": "3",
                "OS_USERNAME": "root@example.org", "OS_PASSWORD": PASSWORD, **domains, **named, **variables,
            },
            capture_output=True, text=True, timeout=120, check=True,
        )  # fmt: skip
        told = []
        for line, (code, text) in zip(lines, json.loads(done.stdout), strict=True):
            assert bool(code) is fails, f"openstack {line}: {text}"
            told.append(json.loads(text) if line.endswith("-f json") else text)
        return told

    return run


def test_an_administrator_fills_the_directory(run: Callable[..., list[Any]], ada: Person) -> None:
    domain, project, user, group, role, *_ = run(
        "domain create physics -f json",
        "project create --domain physics --description d --tag blue radium -f json",
        f"user create --domain physics --email marie@example.org --password {NEW} Marie -f json",
        "group create --domain physics chemists -f json",
        "role create auditor -f json",
        "group add user chemists Marie --user-domain physics --group-domain physics",
        "role add --project radium --user Marie member",
        "role add --project radium --group chemists auditor",
        "implied role create auditor --implied-role reader",
    )
    assert (project["domain_id"], project["tags"], project["enabled"]) == (domain["id"], ["blue"], True)
    assert (user["name"], user["email"], user["domain_id"]) == ("Marie", "marie@example.org", domain["id"])
    listed, effective, shown, members, inferences, by_name, *_ = run(
        "role assignment list --project radium --names -f json",
        "role assignment list --project radium --effective --names -f json",
        "project show radium --domain physics -f json",
        "user list --group chemists -f json",
        "implied role list -f json",
        "user list --domain physics --long -f json",
        "group contains user chemists Marie",
        "project set --name polonium --description x radium",
        "user set --enable --description y Marie",
    )
    assert {(row["Role"], row["User"] or row["Group"]) for row in listed} == {
        ("member", "Marie@physics"), ("auditor", "chemists@physics"),
    }  # fmt: skip
    assert {row["Role"] for row in effective} == {"member", "reader", "auditor"}
    assert shown["id"] == project["id"]
    assert [row["Name"] for row in members] == [row["Name"] for row in by_name] == ["Marie"]
    assert {(row["Prior Role Name"], row["Implied Role Name"]) for row in inferences} == {
        ("admin", "member"), ("member", "reader"), ("auditor", "reader"),
    }  # fmt: skip
    run(
        "role remove --project polonium --user Marie member",
        "group remove user chemists Marie",
        "user delete Marie --domain physics",
        "project delete polonium --domain physics",
        "role delete auditor",
        "group delete chemists --domain physics",
        "domain set --disable physics",
        "domain delete physics",
    )
    assert len(run("project list -f json")[0]) == 2
    assert group["name"] == "chemists"
    assert role["name"] == "auditor"


def test_the_catalog_and_the_scopes(run: Callable[..., list[Any]], root: Person) -> None:
    token, catalog, services, regions, *_ = run(
        "token issue -f json",
        "catalog list -f json",
        "service list -f json",
        "region list -f json",
        "service create --name designate dns -f json",
        "endpoint create --region default designate public https://dns.example.org -f json",
    )
    assert (token["project_id"], token["user_id"]) == (root.uuid, root.uuid)
    assert {row["Type"] for row in catalog} == {row["Type"] for row in services}
    assert [row["Region"] for row in regions] == ["default"]
    endpoints, *_ = run("endpoint list --service dns -f json", "service delete designate")
    assert [row["URL"] for row in endpoints] == ["https://dns.example.org"]
    users, system = run("user list -f json", "token issue -f json", OS_SYSTEM_SCOPE="all")
    assert [row["ID"] for row in users] == [root.uuid]
    assert system["system"] == "all"
    assert "one region" in run("region create elsewhere", fails=True)[0]


def test_programs_of_a_member(run: Callable[..., list[Any]], ada: Person) -> None:
    own = {"OS_USERNAME": "ada@example.org"}
    made, listed, key, keys, me, projects, *_ = run(
        "application credential create backup --role reader -f json",
        "application credential list -f json",
        "ec2 credentials create -f json",
        "ec2 credentials list -f json",
        f"user show {ada.uuid} -f json",
        "project list -f json",
        f"project show {ada.uuid} -f json",
        "application credential delete backup",
        **own,
    )
    assert (made["Name"], [role["name"] for role in made["Roles"]]) == ("backup", ["reader"])
    assert [row["Name"] for row in listed] == ["backup"]
    assert [row["Access"] for row in keys] == [key["access"]]
    assert me["name"] == "ada@example.org"
    assert [row["ID"] for row in projects] == [ada.uuid]
    run(f"ec2 credentials delete {key['access']}", **own)
    refused = run("user list", "role create x", "project create y", "service create z", fails=True, **own)
    assert [text for text in refused if "not authorized" not in text] == []
    run(f"user password set --password {NEW} --original-password x", fails=True, **own)


@pytest.fixture
def sdk(url: str, root: Person) -> Connection:
    return openstack.connect(
        load_yaml_config=False,
        load_envvars=False,
        auth_url=url,
        username="root@example.org",
        password=PASSWORD,
        user_domain_name="Default",
        project_domain_name="Default",
        project_id=root.uuid,
        region_name="default",
        identity_api_version="3",
    )


@pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK50Warning")
@pytest.mark.filterwarnings("ignore::openstack.warnings.RemovedInSDK60Warning")
def test_the_sdk_finds_makes_and_pages(sdk: Connection, ada: Person) -> None:
    identity = sdk.identity
    made = [identity.create_project(name=f"p{number}", description="d") for number in range(5)]
    listed = list(identity.projects(limit=2))
    assert {row.id for row in made} <= {row.id for row in listed}
    assert len(listed) == 7
    found = identity.find_project("p3", ignore_missing=False)
    assert found.id == made[3].id
    assert identity.find_user("nobody") is None
    user = identity.create_user(name="Marie", password=NEW, default_project_id=found.id)
    role = identity.find_role("member")
    assert not identity.validate_user_has_project_role(found, user, role)
    identity.assign_project_role_to_user(found, user, role)
    assert identity.validate_user_has_project_role(found, user, role)
    assert {row.id for row in identity.user_projects(user)} == {found.id, user.id}
    assigned = list(identity.role_assignments(user_id=user.id, scope_project_id=found.id))
    assert [row.role["id"] for row in assigned] == ["member"]
    identity.unassign_project_role_from_user(found, user, role)
    group = identity.create_group(name="chemists")
    identity.add_user_to_group(user, group)
    assert [row.name for row in identity.group_users(group)] == ["Marie"]
    assert identity.update_user(user, description="x").description == "x"
    for remove, row in ((identity.delete_group, group), (identity.delete_user, user)):
        remove(row, ignore_missing=False)
    assert identity.find_user("Marie") is None
    assert {row.name for row in identity.domains()} == {"Default"}
    assert {row.type for row in identity.services()} >= {"identity", "compute"}
    assert [row.id for row in identity.regions()] == ["default"]
