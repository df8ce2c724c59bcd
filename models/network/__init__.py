"""Links and the rules a message meets on its way."""
