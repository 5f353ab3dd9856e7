"""The flows: what each channel's job does in one run."""
