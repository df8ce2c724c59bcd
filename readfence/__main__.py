"""`python -m readfence`, where the command is not on the path."""

from readfence.cli import main

main()
