"""``python -m songspace``: the command line."""

from songspace.cli import main

if __name__ == "__main__":
    main()
