"""Celery workers: the pipeline with the classifiers."""
