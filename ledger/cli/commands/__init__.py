"""The commands as they are called: names, options, helps and examples.

A module here loads what its help needs, and no more; what a command does is loaded when it runs.
"""
