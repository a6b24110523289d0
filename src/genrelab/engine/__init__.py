"""From a checked configuration to finished runs: build objects, train or fit, cross-validate, score external data."""
