# Coord works without a cluster, and with one that comes and goes.
no cluster
turn
away cannot connect to https://192.168.1.100:6443
turn
declare nothing
turn
