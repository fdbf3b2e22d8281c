"""A directory with a few people: slapd from Debian, as somebody's organisation would run it."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.methods.servers import free_port, listens, program, running

BASE = "dc=example,dc=org"
ADMIN, ADMIN_PASSWORD = f"cn=admin,{BASE}", "the-directory-s-own"
PASSWORD = "a directory password"
GUID = bytes(range(1, 17))

_CONFIG = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
attributetype ( 1.2.840.113556.1.4.2 NAME 'objectGUID' EQUALITY octetStringMatch
  SYNTAX 1.3.6.1.4.1.1466.115.121.1.40 SINGLE-VALUE )
objectclass ( 1.3.6.1.4.1.99999.1 NAME 'guided' SUP top AUXILIARY MAY objectGUID )
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
database mdb
maxsize 10485760
suffix "{base}"
rootdn "{admin}"
rootpw {admin_password}
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="{admin}" read by * none
"""

_ENTRIES = f"""
dn: {BASE}
objectClass: dcObject
objectClass: organization
o: Example
dc: example

dn: ou=people,{BASE}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{BASE}
objectClass: organizationalUnit
ou: groups

dn: uid=ada,ou=people,{BASE}
objectClass: inetOrgPerson
objectClass: guided
uid: ada
cn: Ada Lovelace
givenName: Ada
sn: Lovelace
mail: Ada@Example.org
employeeNumber: 1815
objectGUID:: AQIDBAUGBwgJCgsMDQ4PEA==
userPassword: {PASSWORD}

dn: uid=bob,ou=people,{BASE}
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: Builder
mail: bob.builder@example.org
userPassword: {PASSWORD}

dn: cn=engineers,ou=groups,{BASE}
objectClass: groupOfNames
cn: engineers
member: uid=ada,ou=people,{BASE}

dn: cn=others,ou=groups,{BASE}
objectClass: groupOfNames
cn: others
member: uid=bob,ou=people,{BASE}
"""


@dataclasses.dataclass(frozen=True)
class Directory:
    url: str

    def change(self, ldif: str) -> None:
        subprocess.run(
            [program("ldapmodify"), "-x", "-H", self.url, "-D", ADMIN, "-w", ADMIN_PASSWORD],
            input=ldif, text=True, check=True, capture_output=True, timeout=30,
        )  # fmt: skip


@contextmanager
def directory(folder: Path) -> Iterator[Directory]:
    port = free_port()
    (folder / "db").mkdir()
    config = folder / "slapd.conf"
    config.write_text(_CONFIG.format(folder=folder, base=BASE, admin=ADMIN, admin_password=ADMIN_PASSWORD))
    entries = folder / "entries.ldif"
    entries.write_text(_ENTRIES.lstrip())
    subprocess.run(
        [program("slapadd"), "-f", str(config), "-l", str(entries)],
        check=True,
        capture_output=True,
        timeout=60,
    )
    command = [program("slapd"), "-f", str(config), "-h", f"ldap://127.0.0.1:{port}", "-d", "0"]
    with running(command, folder / "slapd.log", lambda: listens(port)):
        yield Directory(f"ldap://127.0.0.1:{port}")
