"""Search over configurations. `python sweep.py --help` lists what can be chosen."""

import sys

from genrelab.tuning.main import sweep

if __name__ == "__main__":
    sweep(sys.argv[1:])
