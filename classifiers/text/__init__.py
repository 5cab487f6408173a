"""Text normalisation, language identification and near-duplicate signatures."""
