"""Users, how they sign in, their tokens and application credentials."""
