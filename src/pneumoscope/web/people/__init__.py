"""Who works where as what: invitations, roles, sites, tokens, the lock. Every step is audited."""
