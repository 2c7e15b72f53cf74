"""Where parameters live when they do not live in ℝᵖ: the sphere, and spaces to move in: boxes, products."""

from refimpl.manifolds import motion, sphere
from refimpl.manifolds.motion import Space, box, free, product, spheres

__all__ = ["Space", "box", "free", "motion", "product", "sphere", "spheres"]
