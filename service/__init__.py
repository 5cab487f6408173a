"""The service: takes posts, keeps verdicts, serves people. Never imports torch, transformers or the classifiers."""
