"""The console: web pages for people who run a shop, served beside the API and speaking to it over HTTP only."""

APP = "shelfwise.console.app:create_app"
"""What `shelfwise serve` runs: the API and the pages."""
