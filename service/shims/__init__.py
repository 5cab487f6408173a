"""Endpoints of other moderation APIs, answered by Assay: Perspective's and OpenAI's, for who moves here from there.

`scores` says how their scores are made of our signals, `perspective` and `openai_moderation` read and write their JSON;
these know nothing of HTTP. `app` joins them to a pipeline. What they answer are Assay's calibrated probabilities in the
other API's words, never that API's scores: thresholds that were tuned there must be tuned again.
"""
