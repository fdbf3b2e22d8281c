"""Consoles: one-time tickets to a server's screen, the proxy that honours them, and the serial log.

The only place outside operations that asks an engine (where the screen is, what the serial port said):
both are looks, not actions.
"""
