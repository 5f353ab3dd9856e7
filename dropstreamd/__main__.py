"""`python -m dropstreamd`, and the console script of that name."""

import sys

from dropstreamd.cli import main

if __name__ == "__main__":
    sys.exit(main())
