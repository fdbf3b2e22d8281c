"""The picture of a project's networks: what joins what."""
