"""The published systems: what is known of them, and their recipes run for one table."""
