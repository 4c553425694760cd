"""People, their roles, sites and API tokens."""
