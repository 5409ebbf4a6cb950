"""Who may read what: roles, and the logins that may speak for an organization."""
