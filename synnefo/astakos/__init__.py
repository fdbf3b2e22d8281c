"""Floor 3: accounts, projects, quota and the catalog.

Rooms, each importing only those before it: ``quotas`` (the quotaholder) and ``catalog`` models,
``projects``, ``catalog`` rules, ``accounts`` and ``methods`` (by which people sign in; tables of the one,
then of the other, then the rules of both); then the facades ``identity`` (v3 and v2.0) and ``account``
(v1.0), and ``seam``, through which Cyclades and Pithos see all of this.
"""
