"""``python -m argmaxq``."""

import sys

from argmaxq.cli.main import main

sys.exit(main())
