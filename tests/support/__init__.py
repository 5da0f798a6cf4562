"""What tests need: small trainings, processes, a browser, readers of pages and of what trackers kept."""
