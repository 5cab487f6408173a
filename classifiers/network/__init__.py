"""The Llama that reads posts, and the heads on it."""
