"""How passwords are kept: argon2id with the parameters that OWASP names as a minimum.

The other ways are those of older systems whose accounts were taken over. They are only ever read: whoever
signs in by one of them has his password kept as argon2id from then on.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher, BasePasswordHasher
from django.utils.crypto import constant_time_compare


class Argon2id(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19 * 1024  # KiB
    parallelism = 1


class _Old(BasePasswordHasher):
    """``[algorithm$salt$]digest``, the digest being that of salt and password."""

    digest: str

    def encode(self, password: str, salt: str) -> str:
        found = hashlib.new(self.digest, f"{salt}{password}".encode(), usedforsecurity=False).hexdigest()
        return f"{self.algorithm}${salt}${found}"

    def decode(self, encoded: str) -> dict[str, Any]:
        salt, _, found = encoded.partition("$")[2].rpartition("$")
        return {"algorithm": self.algorithm, "salt": salt, "hash": found or encoded}

    def verify(self, password: str, encoded: str) -> bool:
        known = self.decode(encoded)
        again = self.encode(password, known["salt"]).rpartition("$")[2]
        return constant_time_compare(known["hash"], again)

    def safe_summary(self, encoded: str) -> Any:
        return {"algorithm": self.algorithm}

    def harden_runtime(self, password: str, encoded: str) -> None:
        """Nothing here takes time; see ``login``."""


class SaltedSha1(_Old):
    algorithm, digest = "sha1", "sha1"


class SaltedMd5(_Old):
    algorithm, digest = "md5", "md5"


class UnsaltedSha1(_Old):
    """``sha1$$digest``, as Django calls it."""

    algorithm, digest = "unsalted_sha1", "sha1"


class UnsaltedMd5(_Old):
    """The digest alone, or ``md5$$digest``."""

    algorithm, digest = "unsalted_md5", "md5"
