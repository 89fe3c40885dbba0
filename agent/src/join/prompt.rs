//! The token: from a terminal without echo, or all of standard input.

use std::io::{self, IsTerminal, Read};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::show;

/// A token is a few hundred characters; more is something else.
const LONGEST_TOKEN: u64 = 16 * 1024;

/// The terminal with its echo off, until this is dropped: also after Ctrl-C.
struct Silent(Termios);

impl Silent {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &self.0);
    }
}

/// Reads the token's text; [`io::ErrorKind::Interrupted`] after Ctrl-C.
pub(super) async fn token_text() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        let mut text = String::new();
        io::stdin().lock().take(LONGEST_TOKEN).read_to_string(&mut text)?;
        return Ok(text);
    }
    show::talk("Token: ")?;
    let _silent = Silent::begin()?;
    let line = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    });
    let line = tokio::select! {
        line = line => line.map_err(io::Error::other)??,
        _ = tokio::signal::ctrl_c() => {
            show::talk("\n")?;
            return Err(io::ErrorKind::Interrupted.into());
        }
    };
    show::talk("****\n")?;
    Ok(line)
}
