//! What the agent relies on of the kernel's NFS client, asked of the kernel itself.

use coord_tests::lab::wait_within;

use crate::house::{House, PATIENCE};

/// Asks both mounts for their space, waits until both questions hang in the kernel, and ends them with SIGKILL.
const KILL: &str = r#"
setsid stat -f /mnt/four >/dev/null 2>&1 & four=$!
setsid stat -f /mnt/three >/dev/null 2>&1 & three=$!
for _ in $(seq 200); do
	grep -q '^State:.D' /proc/$four/status && grep -q '^State:.D' /proc/$three/status && break
	sleep 0.1
done
cat /proc/$four/wchan /proc/$three/wchan
grep -A9 -E 'on /mnt/(four|three) with' /proc/self/mountstats >/dev/null
kill -KILL $four $three
wait $four; echo " $?"
wait $three; echo " $?"
"#;

/// Unlike FUSE, the NFS client lets go of whoever is killed, so a child that waits for a dead server is always reaped.
pub(crate) fn a_question_to_a_stopped_server_can_be_ended(house: &House) {
    house.machine.told("echo 0 >/proc/fs/nfsd/threads");
    let answer = house.machine.told(KILL);
    house.machine.told("echo 8 >/proc/fs/nfsd/threads");
    // 137 is 128 and SIGKILL.
    assert_eq!(answer, "rpc_wait_bit_killablerpc_wait_bit_killable 137\n 137\n");
    wait_within(PATIENCE, "the server to answer", || {
        (house.machine.run("timeout 20 stat -f /mnt/four /mnt/three").code == 0).then_some(())
    });
}
