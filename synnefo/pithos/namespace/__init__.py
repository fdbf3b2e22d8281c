"""Names and what they stand for: accounts, containers, objects, versions. No HTTP, no bytes of content."""
