"""The error that a user can mend.

InputError              the message names the file or field at fault and the remedy
DataError             a labelled set (data.py)
LabelledError         a platform's own labelled posts (labelled.py)
BackboneError         a model directory (backbone.py)
BundleError           a bundle (bundle.py)
StoreError            a feature store (store.py)
AdapterError          a low-rank adapter (lora.py)
"""


class InputError(ValueError):
    """Something given can't be used; the message says what and how to mend it."""
