"""The parts of the kind ``s3``: its options, its questions in order, and what their answers say."""
