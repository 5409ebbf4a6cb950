"""What is held about a person or an organization: handed out, and erased for good."""
