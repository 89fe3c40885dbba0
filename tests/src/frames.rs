//! HTTP/2 by hand, for a client that no library would be: it opens streams without asking how many it may.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

/// Kinds of frames (RFC 9113, section 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;

const END_HEADERS: u8 = 4;
const ACKNOWLEDGED: u8 = 1;

/// What became of the streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Streams {
    /// Answered with headers.
    pub opened: usize,
    /// Reset by the server.
    pub refused: usize,
    /// Whether the server closed the connection.
    pub closed: bool,
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header block without the dynamic table (RFC 7541, section 6.2.2), names in the clear.
fn headers(path: &str) -> Vec<u8> {
    let all = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "coordinator"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
    ];
    let text = |text: &str| [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    all.iter().flat_map(|(name, value)| [vec![0], text(name), text(value)].concat()).collect()
}

/// Opens 1 000 calls on one connection and sees what becomes of them, until nothing more comes for a second.
///
/// # Panics
/// When the connection is refused from the beginning.
pub async fn thousand_streams<S>(mut stream: S, path: &str) -> Streams
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
{
    let mut said = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    said.extend(frame(SETTINGS, 0, 0, &[]));
    stream.write_all(&said).await.unwrap();
    let block = headers(path);
    let mut all = Vec::new();
    for number in 0..1000 {
        all.extend(frame(HEADERS, END_HEADERS, 2 * number + 1, &block));
    }
    // A server that has enough closes in the middle.
    let mut streams = Streams { closed: stream.write_all(&all).await.is_err(), ..Streams::default() };
    let mut head = [0; 9];
    while let Ok(Ok(_)) = timeout(Duration::from_secs(1), stream.read_exact(&mut head)).await {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        if stream.read_exact(&mut payload).await.is_err() {
            break;
        }
        match head[3] {
            HEADERS => streams.opened += 1,
            RST_STREAM => streams.refused += 1,
            GOAWAY => streams.closed = true,
            SETTINGS if head[4] & ACKNOWLEDGED == 0 => {
                streams.closed |= stream.write_all(&frame(SETTINGS, ACKNOWLEDGED, 0, &[])).await.is_err();
            }
            _ => {}
        }
    }
    streams
}
