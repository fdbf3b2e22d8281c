"""The object store as clients see it: HTTP in, rules of ``namespace``, HTTP out."""
