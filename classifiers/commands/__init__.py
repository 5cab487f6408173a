"""The commands that need the classifiers, one file each; nothing heavy is imported before one runs."""
