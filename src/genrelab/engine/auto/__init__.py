"""`genrelab auto`: a race of candidate models on one collection of music, chosen by nested cross-validation."""
