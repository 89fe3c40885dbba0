//! Ctrl-C and a polite end, as messages of a channel.

use std::sync::mpsc::{Receiver, channel};

use tokio::signal::unix::{SignalKind, signal};

/// A channel that gets a message when somebody wants the program to stop.
pub(super) fn listen() -> Receiver<()> {
    let (sender, receiver) = channel();
    let (ready, listening) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut typed = signal(SignalKind::interrupt()).unwrap();
            let mut asked = signal(SignalKind::terminate()).unwrap();
            ready.send(()).unwrap();
            loop {
                tokio::select! {
                    _ = typed.recv() => {}
                    _ = asked.recv() => {}
                }
                if sender.send(()).is_err() {
                    return;
                }
            }
        });
    });
    listening.recv().unwrap();
    receiver
}
