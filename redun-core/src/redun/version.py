"""The version of redun-core, which all packages of the project share."""

__version__ = "0.1.0"
