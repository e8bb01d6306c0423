"""`python -m ui.cli` is `sotto`."""

from ui.cli.main import main

main()
