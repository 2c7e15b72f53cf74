"""The claims L1 to L49 on the substrate: the definitions they are held to; layers, losses, networks, images, sphere, optimisers."""

from refimpl.claims.nn import definition, images, layers, losses, networks, optimisers, sphere

__all__ = ["definition", "images", "layers", "losses", "networks", "optimisers", "sphere"]
