"""One module a paper, each top to bottom in its paper's order. No paper imports another; what joins them is an objective."""
