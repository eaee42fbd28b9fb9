"""`python -m mountify` is the command line."""

from mountify.cli import main

main()
