"""`python -m midfuse`, the same as the `midfuse` command."""

from midfuse.cli.main import main

main()
