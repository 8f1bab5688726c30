"""Speed and quality against reference tools, on demand: `make bench`. Nothing is asserted."""
