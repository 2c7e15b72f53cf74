"""The claims L1 to L30 on the substrate: the definitions they are held to; layers, losses, networks, sphere, optimisers."""

from refimpl.claims.nn import definition, layers, losses, networks, optimisers, sphere

__all__ = ["definition", "layers", "losses", "networks", "optimisers", "sphere"]
