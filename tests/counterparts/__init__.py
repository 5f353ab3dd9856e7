"""Real servers, started and stopped by the tests on 127.0.0.1."""
