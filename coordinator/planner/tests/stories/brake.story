# A kernel update takes the GPU of three machines at once.
report k3s-w1 gpu true
report k3s-w2 gpu true
report k3s-w3 gpu true
pass 10s
settle
pass 10m
report k3s-w1 gpu false
pass 60s
turn
turn
# The first went alone. The others within ten minutes need a person.
report k3s-w2 gpu false
report k3s-w3 gpu false
pass 60s
turn
turn
# Ten minutes later it would still be two at a time.
pass 10m
turn
turn
report k3s-w3 gpu true
pass 10s
turn
