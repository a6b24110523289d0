"""Hydra finds genrelab's sweeper here."""
