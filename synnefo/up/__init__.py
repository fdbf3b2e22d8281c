"""Floor 4: the cloud of one machine, which ``synnefo up`` sets up and supervises and ``synnefo down`` ends.

Nothing here is needed by a cloud that an init system runs: it calls the same entry points and the same
rules as an operator does, and holds no rule of its own.
"""
