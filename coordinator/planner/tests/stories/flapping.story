# A GPU that comes and goes freezes its label.
report k3s-w3 gpu true
pass 10s
settle
report k3s-w3 gpu false
pass 20s
report k3s-w3 gpu true
pass 20s
report k3s-w3 gpu false
pass 20s
turn
pass 10m
turn
# The owner mended the cable.
resume label/k3s-w3/gpu
report k3s-w3 gpu true
pass 10s
turn
