"""Floor 2: durable operations.

Whatever touches a hypervisor is an operation: a row that says what shall happen, how far it is, and who
works on it. It is written in the transaction of the change that asks for it, worked off by
``snf-dispatcher``, and finished in one transaction together with its targets' new state and the
decision on its commission. Killing anything at any moment loses nothing: another dispatcher takes the
row up where it stood. See ``docs/decisions/engine.md``.
"""
