# A wall clock that is off by a day, in either direction, neither settles nor takes anything.
settle
report k3s-w3 gpu true
pass 5s
wall clock 1d
turn
pass 5s
turn
turn
report k3s-w3 gpu false
pass 59s
wall clock 30d
turn
