"""The server behind serve.py."""
