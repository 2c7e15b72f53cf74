"""The claims on the reduced parameter space: the definitions they are held to, then one file a subject."""

from refimpl.claims.reduced_space import deep, definition, exact, layers, links, optimum, shallow, support, training

__all__ = ["deep", "definition", "exact", "layers", "links", "optimum", "shallow", "support", "training"]
