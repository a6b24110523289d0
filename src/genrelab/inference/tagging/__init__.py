"""Genre tags of a music library, written from a run's answers; audio is never touched."""
