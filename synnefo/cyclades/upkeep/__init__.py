"""What operators look after: what the database says against what engines have and what is charged; figures.

Everything is looked at without a lock and told; what is mended goes through the doors
that everything else goes through.
"""
