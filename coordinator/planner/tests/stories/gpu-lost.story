# A GPU works, its label is there, and a DaemonSet uses it.
report k3s-w3 gpu true
pass 10s
settle
use k3s-w3 gpu DaemonSet media/encoder
use k3s-w3 gpu worker coord/plex
# After a restart of the container its device cgroup refuses the render node.
report k3s-w3 gpu false
pass 20s
turn
pass 40s
turn
# Who uses the label is known now: that needs a person.
turn
apply
turn
turn
# It works again.
report k3s-w3 gpu true
pass 10s
turn
