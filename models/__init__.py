"""What is simulated: network, Raft, engine, store, Redis commands, Lua scripts, clients, judges."""
