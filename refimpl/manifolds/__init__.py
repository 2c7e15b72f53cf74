"""Where parameters live when they do not live in ℝᵖ: the sphere."""

from refimpl.manifolds import sphere

__all__ = ["sphere"]
