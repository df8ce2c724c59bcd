"""The front door: command line, scenario files, assembling and running a world."""
