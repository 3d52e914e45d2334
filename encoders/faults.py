"""Whose fault an error is."""

from __future__ import annotations


class InputError(ValueError):
    """What somebody gave cannot be taken. One plain sentence: what was wrong, what is allowed, what to do. Every other error is ours."""
