"""The policy: a YAML document in, decisions out."""
