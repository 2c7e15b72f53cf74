"""The claims B1 to B37 on Born-Infeld descent: the definitions they are held to, then one file a subject."""

from refimpl.claims.born_infeld import definition, discrete, exact, hamiltonian, measure, method, related, spaces

__all__ = ["definition", "discrete", "exact", "hamiltonian", "measure", "method", "related", "spaces"]
