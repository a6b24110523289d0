"""The fast engine: librosa's numbers, many times as fast. `engine.py` is its only face."""
