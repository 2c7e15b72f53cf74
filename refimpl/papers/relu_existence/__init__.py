"""Networks of one hidden layer and ReLU: is there an optimal one?

S. Dereich, S. Kassing, On the existence of optimal shallow feedforward networks with ReLU activation, 2023, arXiv:2303.03950. For a
continuous target a network of least risk exists, under mild assumptions; the limits of networks
that are no networks jump, and do worse than suitable networks. Quantitative forms of this, and nearly all that is computed here,
are derived, not the paper's; docstrings say so.

Reading order
    network          the response of a network
    integrate        exact integrals over an interval or a polygon; the risk and its gradient
    generalized      responses that may jump, the limits of networks; the ramp that comes near to a jump
    laws             what a ramp costs, to the first order in 1/T: predicted and measured
    lines, splines   one input: the global optimum with knots on a grid, by dynamic programming, and bounds from below
    free_knots       one input: knots anywhere, residual and feedforward networks, closed forms for x²
    canonical        when two networks are the same function; the fewest neurons
    certificates     weight decay: a proof that a network is optimal
    budget           the least loss of networks whose parameters are bounded; budget_laws has it in closed form
    counterexamples  where no optimal network exists

    symbol       here         shape        meaning
    f            target                    the function to fit
    R_θ(x)       response     (n,)         c + a·x + Σ_j v_j (w_j·x + b_j)⁺
    err(θ)       exact_risk                ∫ (R_θ − f)² h
    G(x)         Generalized               a generalized response
    D            domain                    where the inputs are
"""

from refimpl.papers.relu_existence.budget import best_within_budget, within_budget
from refimpl.papers.relu_existence.budget_laws import (
    TARGETS,
    Target,
    relu_step_law,
    sigmoid_identity_law,
    softplus_kink_law,
    tanh_identity_law,
    tanh_step_bound,
)
from refimpl.papers.relu_existence.canonical import (
    Canonical,
    canonical_form,
    minimal_network,
    neuron_count,
    same_function,
    solution_dimension,
)
from refimpl.papers.relu_existence.certificates import (
    Certificate,
    best_weight_decay,
    certificate,
    dual_maximum,
    weight_decay_objective,
)
from refimpl.papers.relu_existence.counterexamples import (
    VectorNetwork,
    best_vector_error,
    disc_error,
    disc_error_law,
    disc_network,
    sign_with_gap,
    step_ramp,
    vector_data,
    vector_error,
    vector_network,
    vector_response,
)
from refimpl.papers.relu_existence.free_knots import (
    Sandwich,
    best_feedforward,
    best_residual,
    feedforward_possible,
    left_neurons,
    polish,
    quadratic_feedforward_error,
    quadratic_feedforward_knots,
    quadratic_spline_error,
    sandwich,
    spline_network,
)
from refimpl.papers.relu_existence.generalized import (
    Generalized,
    dimension,
    generalized,
    generalized_response,
    multiplicity,
    ramp,
    simplify,
    target_jumps,
)
from refimpl.papers.relu_existence.integrate import (
    Exponential,
    Polynomial,
    Sine,
    cells,
    clip,
    exact_risk,
    interval_nodes,
    polygon_nodes,
)
from refimpl.papers.relu_existence.laws import Law, distance_law, generalized_risk, loss_law, risk_law, shape_law, touching_law
from refimpl.papers.relu_existence.network import balanced, response
from refimpl.papers.relu_existence.splines import (
    Segments,
    Spline,
    best_discontinuous,
    best_spline,
    best_splines,
    lower_bound,
)

__all__ = [
    "TARGETS",
    "Canonical",
    "Certificate",
    "Exponential",
    "Generalized",
    "Law",
    "Polynomial",
    "Sandwich",
    "Segments",
    "Sine",
    "Spline",
    "Target",
    "VectorNetwork",
    "balanced",
    "best_discontinuous",
    "best_feedforward",
    "best_residual",
    "best_spline",
    "best_splines",
    "best_vector_error",
    "best_weight_decay",
    "best_within_budget",
    "canonical_form",
    "cells",
    "certificate",
    "clip",
    "dimension",
    "disc_error",
    "disc_error_law",
    "disc_network",
    "distance_law",
    "dual_maximum",
    "exact_risk",
    "feedforward_possible",
    "generalized",
    "generalized_response",
    "generalized_risk",
    "interval_nodes",
    "left_neurons",
    "loss_law",
    "lower_bound",
    "minimal_network",
    "multiplicity",
    "neuron_count",
    "polish",
    "polygon_nodes",
    "quadratic_feedforward_error",
    "quadratic_feedforward_knots",
    "quadratic_spline_error",
    "ramp",
    "relu_step_law",
    "response",
    "risk_law",
    "same_function",
    "sandwich",
    "shape_law",
    "sigmoid_identity_law",
    "sign_with_gap",
    "simplify",
    "softplus_kink_law",
    "solution_dimension",
    "spline_network",
    "step_ramp",
    "tanh_identity_law",
    "tanh_step_bound",
    "target_jumps",
    "touching_law",
    "vector_data",
    "vector_error",
    "vector_network",
    "vector_response",
    "weight_decay_objective",
    "within_budget",
]
