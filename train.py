"""Train one run, or one per value with --multirun. `python train.py --help` lists what can be chosen."""

import sys

from genrelab.cli.launch import train

if __name__ == "__main__":
    train(sys.argv[1:])
