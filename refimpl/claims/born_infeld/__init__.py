"""The claims B1 to B47 on Born-Infeld descent: the definitions they are held to, then one file a subject."""

from refimpl.claims.born_infeld import definition, discrete, edges, exact, hamiltonian, measure, method, related, result, spaces

__all__ = ["definition", "discrete", "edges", "exact", "hamiltonian", "measure", "method", "related", "result", "spaces"]
