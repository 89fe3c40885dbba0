//! Help texts, written for 80 columns.

/// `coord-agent --help`.
pub(super) const OVERVIEW: &str = "\
coord-agent: reports what is really on this machine

usage: coord-agent COMMAND [OPTIONS]

  check      read everything once and show it with what is wrong
  join       enrol this machine with a coordinator
  leave      forget the coordinator and stop reporting
  run        report until told to stop; what the service runs
  record     write this machine down as a folder that other machines can read

  -h, --help       this text; COMMAND --help says more
  -V, --version    the version
";

const JOIN: &str = "\
Enrols this machine with a coordinator and starts the service.

usage: coord-agent join [HOST:PORT]

The token is asked for, or read from stdin; it is never an argument, since
arguments can be read by every user of the machine. Without HOST:PORT the
addresses in the token are tried.

example: coordctl token create --node k3s-w3   (where coordctl works)
         coord-agent join                      (here, then paste the token)
";

const LEAVE: &str = "\
Forgets the coordinator: stops the service and removes this machine's identity.
Workloads on this machine go on.

usage: coord-agent leave
";

const RUN: &str = "\
Reports until told to stop. This is what the service runs.

usage: coord-agent run [OPTIONS]

  --coordinator HOST:PORT  where the coordinator is, over the remembered one
  --token-file FILE        enrol with the token in FILE first; - is stdin
  --name NAME              the name to enrol as, over the host name
  --state DIR              where the identity is kept
  --root DIR               report a recorded host instead of this machine
  --config FILE            the configuration file
";

const CHECK: &str = "\
Reads everything once and shows it, with what is wrong. Needs no coordinator.

usage: coord-agent check [-o table|json] [--root DIR]
       coord-agent check [-o table|json] --disk-latency PATH

  -o, --output table|json  how it is shown
  --root DIR               a recorded host instead of this machine
  --disk-latency PATH      test only how fast the disk below PATH is for etcd:
                           10000 writes of 2300 bytes, fdatasync after each,
                           at most 20 s. It writes up to 22 MiB to a file of
                           its own and removes it. Exit code 3: unfit for a vote

example: sudo coord-agent check --disk-latency /var/lib/rancher

exit codes: 0 nothing is wrong, 1 failed, 2 usage, 3 a problem of severity error
";

const RECORD: &str = "\
Writes down what the probes read on this machine, so that another machine can
read it with --root. Serial numbers, addresses, names and ids are replaced.
Look at the folder before you give it away.

usage: coord-agent record DIR [--root DIR]
";

const PROBE: &str = "\
Reads single sections in the format between coord-agent and its children.

usage: coord-agent probe NAME... [--root DIR]
";

/// The text of one command.
pub(super) fn topic(command: &str) -> Option<&'static str> {
    Some(match command {
        "join" => JOIN,
        "leave" => LEAVE,
        "run" => RUN,
        "check" => CHECK,
        "record" => RECORD,
        "probe" => PROBE,
        _ => return None,
    })
}
