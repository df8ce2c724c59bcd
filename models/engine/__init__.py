"""The Raft engine of one node in virtual time: event loop, outbound lanes, fsync, timers."""
