"""The administrators' dashboard: one site; each service registers its tables in its own ``admin.py``.

It shows and it calls rules; it saves no field of any model. It imports no service.
"""
