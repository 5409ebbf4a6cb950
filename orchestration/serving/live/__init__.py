"""What happens, told at once: news from the database, and pushes to those who watch."""
