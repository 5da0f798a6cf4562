"""``python -m argmaxq``."""

import sys

from argmaxq.cli import main

sys.exit(main())
