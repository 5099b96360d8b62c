"""A redun executor that runs every call in a fresh Python interpreter."""
