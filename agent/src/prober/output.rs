//! The pipe from a probing child: read without waiting, in whole lines.

use std::{
    fs::File,
    io::{self, ErrorKind, Read},
    os::fd::OwnedFd,
};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

use super::line::Line;

/// The longest line: a section of 32 KiB with everything that JSON adds.
const LONGEST_LINE: usize = 1 << 20;
/// Room for all sections of a large machine, so that the child does not wait for us. An ordinary user may have 1 MiB.
const ROOM: i32 = 512 << 10;
/// The most that is taken at once, so that a child that never stops talking cannot hold this process.
const MOST: usize = 4 << 20;

/// What the child has said and is not yet a whole line.
pub(super) struct Output {
    pipe: File,
    rest: Vec<u8>,
    closed: bool,
}

impl Output {
    /// The reading end of the child's pipe.
    pub(super) fn new(pipe: OwnedFd) -> io::Result<Self> {
        fcntl(&pipe, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        // The usual 64 KiB do as well; the child then waits for the next turn.
        let _ = fcntl(&pipe, FcntlArg::F_SETPIPE_SZ(ROOM));
        Ok(Self { pipe: pipe.into(), rest: Vec::new(), closed: false })
    }

    /// Whether the child can say nothing more.
    pub(super) fn closed(&self) -> bool {
        self.closed
    }

    /// The lines that have come since the last time, each understood or not. What a child that was killed had only
    /// begun to say is no line.
    pub(super) fn lines(&mut self) -> io::Result<Vec<serde_json::Result<Line>>> {
        self.fill()?;
        let whole = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let rest = self.rest.split_off(whole);
        let text = std::mem::replace(&mut self.rest, rest);
        if self.rest.len() > LONGEST_LINE {
            return Err(io::Error::new(ErrorKind::InvalidData, "a line without an end"));
        }
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        Ok(lines.map(serde_json::from_slice).collect())
    }

    /// Takes what is in the pipe now.
    fn fill(&mut self) -> io::Result<()> {
        let mut part = [0; 8 << 10];
        let most = self.rest.len() + MOST;
        while self.rest.len() < most {
            match self.pipe.read(&mut part) {
                Ok(0) => {
                    self.closed = true;
                    break;
                }
                Ok(count) => self.rest.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn pipe() -> (File, Output) {
        let (reader, writer) = io::pipe().unwrap();
        (OwnedFd::from(writer).into(), Output::new(reader.into()).unwrap())
    }

    /// All that is understood.
    fn understood(output: &mut Output) -> Vec<Line> {
        output.lines().unwrap().into_iter().map(Result::unwrap).collect()
    }

    #[test]
    fn a_line_counts_when_it_is_whole() {
        let (mut writer, mut output) = pipe();
        assert_eq!(understood(&mut output), []);
        writer.write_all(b"\"end\"\n\"e").unwrap();
        assert_eq!(understood(&mut output), [Line::End]);
        writer.write_all(b"nd\"\n\"en").unwrap();
        assert_eq!(understood(&mut output), [Line::End]);
        assert!(!output.closed());
        drop(writer);
        assert_eq!(understood(&mut output), []);
        assert!(output.closed());
    }

    #[test]
    fn nonsense_spoils_its_own_line_and_a_line_without_end_everything() {
        let (mut writer, mut output) = pipe();
        writer.write_all(b"\"end\"\ngarbage\n").unwrap();
        let lines = output.lines().unwrap();
        assert!(matches!(lines.as_slice(), [Ok(Line::End), Err(_)]), "{lines:?}");
        let mut sent = 0;
        while sent <= LONGEST_LINE {
            writer.write_all(&[b'1'; 32 << 10]).unwrap();
            sent += 32 << 10;
            assert_eq!(output.lines().is_err(), sent > LONGEST_LINE);
        }
    }
}
