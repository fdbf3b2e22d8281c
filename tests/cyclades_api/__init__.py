"""The OpenStack face of Cyclades as clients meet it: over HTTP, with the engine in memory."""
