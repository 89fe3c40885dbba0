# The cloud provider has not seen the Node yet.
settle
made again k3s-w1
taint k3s-w1 uninitialized
turn
taint k3s-w1 uninitialized-
turn
