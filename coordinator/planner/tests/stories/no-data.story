# An agent that cannot say any more changes nothing; a machine that has just started neither.
report k3s-w3 gpu true
report k3s-w2 gpu true
pass 10s
settle
report k3s-w3 gpu unknown the helper is away
reboot k3s-w2
report k3s-w2 gpu false
pass 2h
turn
