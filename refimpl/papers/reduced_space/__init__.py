"""Reducing the parameter space of neural networks: unit weights and bounded thresholds.

T. Qin, L. Zhou, D. Xiu, Reducing Parameter Space for Neural Network Training, arXiv:1805.08340; Theoretical and Applied Mechanics
Letters, 2020. For ReLU and binary activations a network can be trained with the weights of every neuron on the unit sphere and its
threshold in a bounded interval: such networks are mathematically equivalent to the standard ones. The statement is that of the
abstract; formulas and bounds were derived anew, and numbers of theorems were not compared with the published pages.

Reading order
    domain          lengths of rows, the domain and its support function, the interval of thresholds
    network         what leaves each neuron; certified bounds of what each layer hands on
    convert         standard to reduced and back, exactly
    training        on the sphere and in the interval: walls, optimisers, reparametrise, variable_projection, motion,
                    stationarity, identities
    repulsion       an energy of the neurons as pairs (w, b)

    symbol    here         shape     meaning
    w_j       W[j]         (d,)      weights of neuron j, |w_j| = 1
    b_j       b[j]                   its threshold, w_j·x + b_j: |b_j| <= X
    c_j       V[:, j]                what leaves it
    X         radius                 sup |x| over the domain
"""

from refimpl.papers.reduced_space.convert import project, reduce, restore
from refimpl.papers.reduced_space.domain import (
    exact_norms,
    outside,
    row_norms,
    support_ball,
    support_box,
    support_points,
    threshold_interval,
)
from refimpl.papers.reduced_space.network import layer_radii
from refimpl.papers.reduced_space.repulsion import repulsion_backward, repulsion_forward, repulsion_objective
from refimpl.papers.reduced_space.training import (
    Projected,
    box_bounds,
    fold,
    free_parameters,
    homogeneity_identity,
    keep_thresholds,
    kkt_measure,
    kkt_residual,
    projected_descent,
    reduced_gradient,
    reduced_motion,
    reduced_objective,
    reparametrise_backward,
    reparametrise_forward,
    riemannian_adam,
    riemannian_descent,
    riemannian_gradient,
    riemannian_momentum,
    squash,
    stop_below,
    unsquash,
    variable_projection,
    weight_decay_reduced,
)

__all__ = [
    "Projected",
    "box_bounds",
    "exact_norms",
    "fold",
    "free_parameters",
    "homogeneity_identity",
    "keep_thresholds",
    "kkt_measure",
    "kkt_residual",
    "layer_radii",
    "outside",
    "project",
    "projected_descent",
    "reduce",
    "reduced_gradient",
    "reduced_motion",
    "reduced_objective",
    "reparametrise_backward",
    "reparametrise_forward",
    "repulsion_backward",
    "repulsion_forward",
    "repulsion_objective",
    "restore",
    "riemannian_adam",
    "riemannian_descent",
    "riemannian_gradient",
    "riemannian_momentum",
    "row_norms",
    "squash",
    "stop_below",
    "support_ball",
    "support_box",
    "support_points",
    "threshold_interval",
    "unsquash",
    "variable_projection",
    "weight_decay_reduced",
]
