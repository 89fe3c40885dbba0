//! strace around a program: what it asked the kernel for, in which order, and a death at a chosen call.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The calls that say what is on disk and what has left the machine.
const CALLS: &str = "trace=fsync,fdatasync,?rename,renameat,renameat2,?link,linkat,connect,write,writev,pwrite64,sendto,sendmsg,\
                     recvfrom,read";

/// The same command under strace, with further arguments for strace itself.
fn under_strace(command: &Command, arguments: &[String]) -> Command {
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq"]).args(arguments).arg("--").arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => traced.env(name, value),
            None => traced.env_remove(name),
        };
    }
    traced.stdin(Stdio::null()).stdout(Stdio::null());
    traced
}

/// Writes down every call of interest to `trace`, files and connections by their names; the program logs beside it.
///
/// # Panics
/// When the log cannot be made.
#[must_use]
pub fn traced(command: &Command, trace: &Path) -> Command {
    let arguments = ["-yy", "-s", "0", "-e", CALLS, "-o"].map(str::to_owned);
    let mut traced = under_strace(command, &[&arguments[..], &[trace.display().to_string()]].concat());
    traced.stderr(fs::File::create(trace.with_extension("log")).unwrap());
    traced
}

/// Writes down everything that it and its children are asked to run, with all arguments; the program logs beside it.
///
/// # Panics
/// When the log cannot be made.
#[must_use]
pub fn children_traced(command: &Command, trace: &Path) -> Command {
    let arguments = ["-s", "200", "-e", "trace=execve", "-o"].map(str::to_owned);
    let mut traced = under_strace(command, &[&arguments[..], &[trace.display().to_string()]].concat());
    traced.stderr(fs::File::create(trace.with_extension("log")).unwrap());
    traced
}

/// Writes down every call of it and its children, files by their names; the program logs beside it.
///
/// # Panics
/// When the log cannot be made.
#[must_use]
pub fn all_traced(command: &Command, trace: &Path) -> Command {
    let arguments = ["-yy", "-s", "0", "-o"].map(str::to_owned);
    let mut traced = under_strace(command, &[&arguments[..], &[trace.display().to_string()]].concat());
    traced.stderr(fs::File::create(trace.with_extension("log")).unwrap());
    traced
}

/// The number of the program under strace.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn inner(strace: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{strace}/task/{strace}/children")).unwrap();
    children.split_whitespace().next().and_then(|pid| pid.parse().ok()).expect("a traced program")
}

/// Kills the program with SIGKILL when it makes the call `call` for the `count`th time.
#[must_use]
pub fn killed_at(command: &Command, call: &str, count: usize) -> Command {
    let death = format!("inject={call}:signal=SIGKILL:when={count}");
    let trace = format!("trace={call}");
    let arguments = ["-e", &trace, "-e", &death, "-o", "/dev/null"].map(str::to_owned);
    let mut killed = under_strace(command, &arguments);
    killed.stderr(Stdio::null());
    killed
}

/// One finished call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `fsync`, `rename`, and so on.
    pub name: String,
    /// Everything between its parentheses.
    pub arguments: String,
    /// What it returned; negative when it failed.
    pub result: i64,
}

impl Call {
    /// Whether it is about a file or address in whose name `part` stands.
    #[must_use]
    pub fn about(&self, part: &str) -> bool {
        self.arguments.contains(part)
    }

    /// Whether it made something durable.
    #[must_use]
    pub fn syncs(&self) -> bool {
        matches!(self.name.as_str(), "fsync" | "fdatasync") && self.result == 0
    }

    /// Whether bytes left through it.
    #[must_use]
    pub fn sends(&self) -> bool {
        matches!(self.name.as_str(), "write" | "writev" | "sendto" | "sendmsg") && self.result > 0
    }

    /// Whether bytes came in through it.
    #[must_use]
    pub fn receives(&self) -> bool {
        matches!(self.name.as_str(), "read" | "recvfrom") && self.result > 0
    }
}

/// The calls of a trace in the order in which they finished.
///
/// # Panics
/// When the trace cannot be read.
#[must_use]
pub fn calls(trace: &PathBuf) -> Vec<Call> {
    let text = String::from_utf8_lossy(&fs::read(trace).unwrap()).into_owned();
    let mut begun: Vec<(String, String)> = Vec::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let Some((process, said)) = line.split_once(' ') else { continue };
        let said = said.trim_start();
        if let Some(start) = said.strip_suffix("<unfinished ...>") {
            begun.push((process.to_owned(), start.trim_end().to_owned()));
        } else if let Some(rest) = said.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            let Some(place) = begun.iter().position(|(owner, _)| owner == process) else { continue };
            calls.extend(parse(&format!("{}{}", begun.remove(place).1, rest.1)));
        } else {
            calls.extend(parse(said));
        }
    }
    calls
}

/// `name(arguments) = result …`.
fn parse(line: &str) -> Option<Call> {
    let (call, result) = line.rsplit_once(" = ")?;
    let (name, arguments) = call.trim_end().split_once('(')?;
    let result = result.split_whitespace().next()?.split('<').next()?.parse().ok()?;
    Some(Call { name: name.to_owned(), arguments: arguments.trim_end_matches(')').to_owned(), result })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_come_in_the_order_in_which_they_finished() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "7 fsync(3</a/b.new> <unfinished ...>\n8 sendto(4<TCP:[1->2]>, \"\"..., 9, 0, NULL, 0) = 9\n\
                    7 <... fsync resumed>)            = 0\n7 rename(\"/a/b.new\", \"/a/b\") = -1 EIO (x)\n";
        fs::write(file.path(), text).unwrap();
        let calls = calls(&file.path().to_owned());
        let names: Vec<_> = calls.iter().map(|call| (call.name.as_str(), call.result)).collect();
        assert_eq!(names, [("sendto", 9), ("fsync", 0), ("rename", -1)]);
        assert!(calls[1].syncs() && calls[1].about("/a/b.new") && calls[0].sends());
    }
}
