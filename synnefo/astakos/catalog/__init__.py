"""Components, the services they offer, where these are reached, and the resources they charge for."""
