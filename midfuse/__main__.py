"""`python -m midfuse`, the same as the `midfuse` command."""

from midfuse.cli import main

main()
