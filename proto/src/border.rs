//! The codec: model types in, protobuf bytes out, and back with every field checked.

use std::{marker::PhantomData, string::String};

use bytes::Buf;
use prost::Message;
use tonic::{
    Status,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
};

mod conversation;
mod decision;
mod enrolment;
mod facts;
mod fields;
mod section;

pub use decision::LARGEST_CLUSTER_FILE;
pub use section::{MAXIMUM_SECTION, decode_section, encode_section};

/// A field that cannot be used, with its path from the outermost message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct BadField {
    /// For instance `devices[2].address`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl BadField {
    /// A mistake in the value itself; callers add their path.
    pub(crate) fn here(message: impl Into<String>) -> Self {
        Self { field: String::new(), message: message.into() }
    }

    /// The same, seen from one level further out.
    pub(crate) fn inside(mut self, name: &str) -> Self {
        self.field = match self.field.as_str() {
            "" => name.to_owned(),
            inner if inner.starts_with('[') => format!("{name}{inner}"),
            inner => format!("{name}.{inner}"),
        };
        self
    }
}

/// A model type that travels as a protobuf message.
pub trait OnWire: Sized + Send + 'static {
    /// The generated message.
    #[doc(hidden)]
    type Message: Message + Default;

    /// As protobuf.
    #[doc(hidden)]
    fn into_message(self) -> Self::Message;

    /// From protobuf, every field checked.
    ///
    /// # Errors
    /// Names the first field that cannot be used.
    #[doc(hidden)]
    fn from_message(message: Self::Message) -> Result<Self, BadField>;
}

/// The codec of every call: encodes `E`, decodes `D`.
#[derive(Debug)]
pub struct Border<E, D>(PhantomData<(E, D)>);

impl<E, D> Default for Border<E, D> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<E: OnWire, D: OnWire> Codec for Border<E, D> {
    type Encode = E;
    type Decode = D;
    type Encoder = BorderEncoder<E>;
    type Decoder = BorderDecoder<D>;

    fn encoder(&mut self) -> Self::Encoder {
        BorderEncoder(PhantomData)
    }

    fn decoder(&mut self) -> Self::Decoder {
        BorderDecoder(PhantomData)
    }
}

/// Writes one model type.
#[derive(Debug)]
pub struct BorderEncoder<E>(PhantomData<E>);

impl<E: OnWire> Encoder for BorderEncoder<E> {
    type Item = E;
    type Error = Status;

    fn encode(&mut self, item: E, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.into_message().encode(buffer).map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        small_buffers()
    }
}

/// Reads one model type.
#[derive(Debug)]
pub struct BorderDecoder<D>(PhantomData<D>);

impl<D: OnWire> Decoder for BorderDecoder<D> {
    type Item = D;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<D>, Status> {
        let message = D::Message::decode(buffer.copy_to_bytes(buffer.remaining()))
            .map_err(|error| Status::invalid_argument(format!("broken frame: {error}")))?;
        D::from_message(message)
            .map(Some)
            .map_err(|bad| Status::invalid_argument(format!("message cannot be used: {bad}")))
    }

    fn buffer_settings(&self) -> BufferSettings {
        small_buffers()
    }
}

/// An idle session says a few bytes each ten seconds: tonic's 8 KiB a direction would be most of its memory.
fn small_buffers() -> BufferSettings {
    BufferSettings::new(512, 32 * 1024)
}
