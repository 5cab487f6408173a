"""`python -m service.cli` is the command `assay`."""

from service.cli.main import main

main()
