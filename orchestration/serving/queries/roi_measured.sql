-- What the calculator takes from the organization's own executions.
{{ measured }}
