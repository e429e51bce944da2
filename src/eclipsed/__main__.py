"""`python -m eclipsed` is `eclipsed`."""

from eclipsed.cli import main

main()
