"""The addresses that other products' clients send to, each in the words of its client."""
