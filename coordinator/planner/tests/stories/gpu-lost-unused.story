# Only Coord's own worker uses the label, so nobody is asked.
report k3s-w3 gpu true
pass 10s
settle
use k3s-w3 gpu worker coord/plex
report k3s-w3 gpu false
pass 60s
turn
turn
pass 40m
# A survey is not believed for longer than a minute.
report k3s-w3 gpu true
pass 10s
turn
pass 40m
report k3s-w3 gpu false
pass 60s
turn
pass 61s
turn
turn
