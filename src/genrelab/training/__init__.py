"""The LightningModule, its trainer, optimizers, schedules and callbacks."""
