"""Pictures and labels become crop datasets.  Needs no TensorFlow, except to run a detector."""
