"""Objects that come in parts, in any order and from several clients at once, and are joined at the end."""
