"""The rules of Great Expectations as checks on the assets that they speak of."""
