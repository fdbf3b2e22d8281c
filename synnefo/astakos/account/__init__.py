"""The account facade, v1.0: quota, commissions, names. Shapes and codes are those of Synnefo 0.21."""
