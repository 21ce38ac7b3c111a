"""TLS as kinds of checks meet it: a handshake made step by step, and what its certificates say."""
