"""Dashboards: how much comes, how fast it is answered, and how well readers agree with it."""
