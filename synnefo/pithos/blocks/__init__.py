"""Where content lies: blocks named by their hash. Nothing here knows accounts, names or HTTP."""
