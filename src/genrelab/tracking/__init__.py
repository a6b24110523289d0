"""Loggers beside `metrics.csv`: Weights & Biases and TensorBoard, each an extra that is imported when asked for."""
