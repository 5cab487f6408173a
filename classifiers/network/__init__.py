"""The Llama network that reads posts, and its heads."""
