"""The benchmarks behind the README's table of ratios; ``./dev bench`` runs them."""
