"""All tables of Pithos, for Django; they are written in ``namespace``."""

from synnefo.pithos.namespace.models import Account, Container, HashMap, Object, Version
from synnefo.pithos.seam.models import Hold

__all__ = ["Account", "Container", "HashMap", "Hold", "Object", "Version"]
