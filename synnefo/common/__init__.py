"""Floor 1: what every service needs and none owns.

Faults, the caller and his scope, the seams to accounts and objects, the HTTP kit, paging, units and
settings. It imports no service and knows no hypervisor.
"""
