"""What others do on this machine at this hour, beside the product and under the same load."""
