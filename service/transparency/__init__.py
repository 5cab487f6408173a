"""Reports on moderation: the audit log, statements of reasons, reports; and deletion of records."""
