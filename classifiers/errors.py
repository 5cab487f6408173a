"""Errors that a user can fix.

InputError              the message names the file or field at fault and the remedy
DataError             a labelled set (data.py)
LabelledError         a platform's own labelled posts (labelled.py)
BackboneError         a model directory (backbone.py)
BundleError           a bundle (bundle.py)
StoreError            a feature store (store.py)
AdapterError          a low-rank adapter (lora.py)
"""


class InputError(ValueError):
    """An input can't be used; the message says why and how to fix it."""
