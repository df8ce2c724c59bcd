"""Redis's wire protocol, RESP2 and RESP3, without any input or output."""
