"""What is told of moderation: the audit log, statements of reasons, reports; and what is kept no longer."""
