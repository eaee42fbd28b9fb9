"""What the number of a row can be."""

BIGGEST_ID = 2**63 - 1  # what a BIGINT holds
