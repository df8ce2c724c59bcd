"""Time, chance, order and recording; knows nothing of Raft, Redis or Lua."""
