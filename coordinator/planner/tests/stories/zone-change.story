# A machine moves to another zone.
settle
declare zone k3s-w1 unraid
use k3s-w1 topology.kubernetes.io/zone volume pvc-1
turn
turn
apply
turn
turn
show k3s-w1
