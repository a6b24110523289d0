"""Transform backends with equal results: librosa, numba kernels, and torch on a device."""
