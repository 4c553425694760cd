"""`python -m pneumoscope.cli` is `pneumoscope`."""

import sys

from pneumoscope.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
