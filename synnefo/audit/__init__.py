"""Floor 2: the append-only record of who did what, when, from where. Rules write it in their own
transaction; nothing changes or removes an event."""
