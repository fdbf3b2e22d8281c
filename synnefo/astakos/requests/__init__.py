"""Requests for more quota: who asks for what and why, who answered, and what became of it."""
