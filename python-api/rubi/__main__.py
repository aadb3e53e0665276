"""`python -m rubi`: what ./rubi runs once its environment stands."""

from rubi.cli.app import main

if __name__ == "__main__":
    main()
