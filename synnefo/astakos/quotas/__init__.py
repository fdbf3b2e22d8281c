"""The quotaholder: limits, usage and two-phase commissions. It knows holders, sources and resources by
name only; nothing outside Astakos imports it."""
