"""From atoms to a vial at the bedside: production, manufacture, rules of transport, and the network that joins them."""
