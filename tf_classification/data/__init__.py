"""tf.data input: crops or records, sampling by label, augmentation."""
