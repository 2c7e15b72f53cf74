"""Minimum hyperspherical energy.

W. Liu, R. Lin, Z. Liu, L. Liu, Z. Yu, B. Dai, L. Song, Learning towards Minimum Hyperspherical Energy, NeurIPS 2018,
arXiv:1805.09298. The neurons of a layer, taken as points on a sphere, repel each other like electrons; adding that energy to the
loss keeps them diverse. Half space and angles are variants; numbers of the paper's equations are not repeated here, for they
were not checked against it.

Reading order
    energy           the definition, its gradient and its Hessian-vector product
    blocked          the same in blocks: less memory, more speed
    network          the energies of a network's layers as a term of its objective; mini-batches
    limits           what is known of minima: bounds, random directions, many neurons
    configurations   where the minima are known: sharp configurations, Caspar-Klug points
    tables           published and searched minimal energies
    minimise         search for a minimum, returned beside its lower bound
    released         what the authors' code computes in place of that
    related          the objectives it is compared with

    paper       here       shape     meaning
    ŵ_i         U[i]       (m, d)    neuron i on the unit sphere; its direction
    N           m                    number of neurons
    d + 1       d                    their coordinates (the paper's sphere is S^d, ours lies in R^d)
    E_{s,d}     E                    energy, a sum over ordered pairs
    λ_h, λ_o    hidden, output       weights of the two terms in the objective
"""

from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.energy import (
    energy_backward,
    energy_forward,
    energy_hessian_vector,
    power_mean_backward,
    power_mean_forward,
)

__all__ = [
    "energy_and_gradient",
    "energy_backward",
    "energy_forward",
    "energy_hessian_vector",
    "power_mean_backward",
    "power_mean_forward",
]
