# w2 was copied from w1 with its machine-id: virtual machines still have a UUID of their own.
copy k3s-w1 k3s-w2
settle
# The same with a container and a Raspberry Pi: nothing tells them apart.
copy k3s-w3 k3s-cp3
turn
