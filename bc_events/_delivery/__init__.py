"""How events leave a session: the Delivery protocol, the flush, the HTTP transport and the wire format."""
