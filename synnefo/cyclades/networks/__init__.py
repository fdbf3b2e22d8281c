"""Networks: networks, subnets, ports and floating IPs."""
