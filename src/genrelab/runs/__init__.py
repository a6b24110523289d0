"""The files of a run: its folder, record, predictions, checkpoint and list of training tracks."""
