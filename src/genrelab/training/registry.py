"""Optimizers, schedules and callbacks, by kind."""

from genrelab.utils.registry import Registry

OPTIMIZERS = Registry("optimizer", "genrelab.training.optim")
SCHEDULERS = Registry("scheduler", "genrelab.training.optim")
CALLBACKS = Registry("callback", "genrelab.training.callbacks")
