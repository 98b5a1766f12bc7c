"""``python -m cctv_vault`` is the command line."""

import sys

from cctv_vault.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
