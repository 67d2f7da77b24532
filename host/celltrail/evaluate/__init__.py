"""What happened to the cargo: limits, excursions, budgets, shocks and legs, with what is not known."""
