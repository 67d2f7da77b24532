"""From a `.trail` file to its record and its verdict."""
