"""Taking over what the databases of a Synnefo 0.19 - 0.21 hold: read there, written here, once.

``source`` reads, ``steps`` says what a noun's step is, ``importer`` runs a service's steps in their order and
keeps how far they are. What the rows mean, each service's own ``legacy`` says. Nothing here writes to an old
database.
"""
