"""The Redis server in front of the cluster, as its clients see it: sessions, without sockets."""
