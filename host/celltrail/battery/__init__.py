"""How long a battery lasts: what the firmware does for a plan, and what each of that costs."""
