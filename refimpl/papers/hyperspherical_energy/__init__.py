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

from refimpl.papers.hyperspherical_energy import configurations, tables
from refimpl.papers.hyperspherical_energy.blocked import energy_and_gradient
from refimpl.papers.hyperspherical_energy.energy import (
    energy_backward,
    energy_forward,
    energy_hessian_vector,
    power_mean_backward,
    power_mean_forward,
)
from refimpl.papers.hyperspherical_energy.limits import (
    circle_minimum,
    expected_minimum,
    growth_of_minimum,
    hexagonal_zeta,
    levenshtein_rule,
    lower_bound,
    normalised_excess,
    random_energy,
    simplex_bound,
    uniform_energy,
    welch_bound,
)
from refimpl.papers.hyperspherical_energy.minimise import Minimum, minimise_energy
from refimpl.papers.hyperspherical_energy.network import (
    class_energy_backward,
    class_energy_forward,
    filters,
    gradient_factors,
    network_energy_backward,
    network_energy_forward,
    regularised,
    regulariser,
    residual_bound,
    subset_energy_backward,
    subset_energy_forward,
)
from refimpl.papers.hyperspherical_energy.related import (
    gram_determinant_backward,
    gram_determinant_forward,
    mhs_backward,
    mhs_forward,
    mma_backward,
    mma_forward,
    orthonormal_backward,
    orthonormal_forward,
    polarisation_backward,
    polarisation_forward,
    projected_energy_backward,
    projected_energy_forward,
    projections,
    rotate_backward,
    rotate_forward,
    squared_distances_backward,
    squared_distances_forward,
)
from refimpl.papers.hyperspherical_energy.released import (
    gan_energy_backward,
    gan_energy_forward,
    released_decay_backward,
    released_decay_forward,
    released_energy_backward,
    released_energy_forward,
    released_loss_backward,
    released_loss_forward,
    released_weights,
    sphereface_plus_backward,
    sphereface_plus_forward,
)

__all__ = [
    "Minimum",
    "circle_minimum",
    "class_energy_backward",
    "class_energy_forward",
    "configurations",
    "energy_and_gradient",
    "energy_backward",
    "energy_forward",
    "energy_hessian_vector",
    "expected_minimum",
    "filters",
    "gan_energy_backward",
    "gan_energy_forward",
    "gradient_factors",
    "gram_determinant_backward",
    "gram_determinant_forward",
    "growth_of_minimum",
    "hexagonal_zeta",
    "levenshtein_rule",
    "lower_bound",
    "mhs_backward",
    "mhs_forward",
    "minimise_energy",
    "mma_backward",
    "mma_forward",
    "network_energy_backward",
    "network_energy_forward",
    "normalised_excess",
    "orthonormal_backward",
    "orthonormal_forward",
    "polarisation_backward",
    "polarisation_forward",
    "power_mean_backward",
    "power_mean_forward",
    "projected_energy_backward",
    "projected_energy_forward",
    "projections",
    "random_energy",
    "regularised",
    "regulariser",
    "released_decay_backward",
    "released_decay_forward",
    "released_energy_backward",
    "released_energy_forward",
    "released_loss_backward",
    "released_loss_forward",
    "released_weights",
    "residual_bound",
    "rotate_backward",
    "rotate_forward",
    "simplex_bound",
    "sphereface_plus_backward",
    "sphereface_plus_forward",
    "squared_distances_backward",
    "squared_distances_forward",
    "subset_energy_backward",
    "subset_energy_forward",
    "tables",
    "uniform_energy",
    "welch_bound",
]
