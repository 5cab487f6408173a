"""The policy: a YAML document in, decisions out. `policy` decides a post."""
