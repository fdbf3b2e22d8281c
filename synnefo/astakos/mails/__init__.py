"""Mail: written to an outbox in the transaction that tells of it, sent by the dispatcher."""
