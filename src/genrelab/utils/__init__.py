"""What every package may import: registry, errors, exit codes, atomic files, the numba cache."""
