"""Controls: what makes it visible when patched code forges the results of the tests that run in its own interpreter."""
