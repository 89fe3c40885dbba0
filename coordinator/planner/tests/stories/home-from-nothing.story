# Six machines have joined k3s; nothing was ever labelled, and Coord has not changed this cluster before.
new cluster
report k3s-w3 gpu true
pass 10s
turn
# The owner reads that and agrees.
apply
turn
# Carried out, there is nothing left to do.
turn
show k3s-w3
