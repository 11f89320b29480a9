"""Run the scorer: ``python -m bimedix2_core.score --help``."""

import sys

from bimedix2_core.score.command import main

sys.exit(main())
