//! A question whose answer is not shown; Ctrl-C gives the terminal back as it was.

use std::io;

use crate::failure::Exit;

/// Asks on the terminal. Ctrl-C ends the program, as it does everywhere in coordctl.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn ask(question: &'static str) -> io::Result<String> {
    let before = Before::remember();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let answer = runtime.block_on(async {
        tokio::select! {
            answer = tokio::task::spawn_blocking(move || rpassword::prompt_password(question)) => Some(answer),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    // The thread that reads the terminal cannot be stopped; it ends with the program.
    runtime.shutdown_background();
    let Some(answer) = answer else {
        before.restore();
        std::process::exit(i32::from(Exit::Interrupted.number()));
    };
    answer.map_err(io::Error::other)?
}

/// The terminal as it was before its echo was switched off.
#[cfg(unix)]
struct Before(Option<nix::sys::termios::Termios>);

#[cfg(unix)]
impl Before {
    fn remember() -> Self {
        Self(nix::sys::termios::tcgetattr(io::stdin()).ok())
    }

    fn restore(self) {
        use nix::sys::termios::{SetArg, tcsetattr};
        if let Some(before) = self.0 {
            // A terminal that is gone needs no echo.
            let _ = tcsetattr(io::stdin(), SetArg::TCSAFLUSH, &before);
        }
    }
}

/// Elsewhere the console gives itself back.
#[cfg(not(unix))]
struct Before;

#[cfg(not(unix))]
impl Before {
    fn remember() -> Self {
        Self
    }

    fn restore(self) {}
}
