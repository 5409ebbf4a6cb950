"""Pulls the pages of reports from the APIs that make them."""
