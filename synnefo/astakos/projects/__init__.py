"""Projects: pools of resources with members. Every user has a system project with his own uuid."""
