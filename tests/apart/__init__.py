"""Services that run apart: Cyclades on a machine of its own, with its own database, and Astakos elsewhere."""
