"""`python -m genrelab` is the console script."""

from genrelab.cli import main

if __name__ == "__main__":
    main()
