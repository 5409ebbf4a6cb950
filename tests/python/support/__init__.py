"""What tests share: events, servers, stories of builds, and an oracle of what is expected."""
