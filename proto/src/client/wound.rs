//! A stream that remembers why it broke.
//!
//! A server that refuses a certificate says so in an alert after the client's side of TLS 1.3 is done. HTTP/2 above only
//! notices that the connection is gone, so the reason is kept here for whoever asks why.

use std::{
    io,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first error of a stream; empty while there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Wound(Arc<OnceLock<String>>);

impl Wound {
    /// The stream, noting its first error here.
    pub(super) fn of<S>(&self, stream: S) -> Noted<S> {
        Noted { stream, wound: self.clone() }
    }

    /// Why there is no connection any more.
    pub(super) fn error(&self) -> io::Error {
        let text = match self.0.get() {
            Some(reason) => format!("the connection ended: {reason}"),
            None => "the connection ended".to_owned(),
        };
        io::Error::new(io::ErrorKind::NotConnected, text)
    }

    fn note<T>(&self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if let Poll::Ready(Err(error)) = &result {
            // The first one is the cause of the others.
            let _ = self.0.set(error.to_string());
        }
        result
    }
}

/// A stream whose first error is noted.
#[derive(Debug)]
pub(super) struct Noted<S> {
    stream: S,
    wound: Wound,
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.wound.note(result)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.wound.note(result)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_flush(context);
        self.wound.note(result)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_shutdown(context);
        self.wound.note(result)
    }
}
