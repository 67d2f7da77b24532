"""A trip in the words of other systems: EPCIS 2.0 and ONE Record."""
