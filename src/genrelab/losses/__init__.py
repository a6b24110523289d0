"""Losses: modules on logits `[B, C]` and targets `[B]`, scalar means. Those of the graph know its distances."""

import lazy_loader

# Names stand in __init__.pyi, and are imported when asked for: checking a configuration needs no torch.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
