# The coordinator starts again, and no agent has reported: nothing may be taken away.
report k3s-w3 gpu true
report k3s-w2 storage-type true
pass 10s
settle
restart
turn
pass 10m
turn
# One reports that its GPU works, the other that its disk does not rotate. Nobody knows how long it has run.
report k3s-w3 gpu true
report k3s-w2 storage-type false
pass 10s
turn
pass 290s
turn
turn
