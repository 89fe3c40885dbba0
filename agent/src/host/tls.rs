//! A TLS handshake that reads a certificate and trusts nothing: how long k3s' own certificate still lives.

use std::{
    io::Write,
    sync::Arc,
    time::{Instant, SystemTime},
};

use coord_model::{Reading, Unknown};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme, StreamOwned,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{TlsAnswer, fetch};

/// Accepts every certificate: nothing secret is sent, and the certificate is the answer.
#[derive(Debug)]
struct Curious {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Curious {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// A configuration that verifies nothing.
fn configuration() -> Result<ClientConfig, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Curious { provider: Arc::clone(&provider) });
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Handshake with `address`, then `GET /readyz`.
pub(super) fn https_answer(address: &str) -> Reading<TlsAnswer> {
    let end = Instant::now() + fetch::DEADLINE;
    let broken = |error: &dyn std::fmt::Display| Unknown::error(format!("{address}: {error}"));
    let mut socket = fetch::connect(address, end)?;
    let peer = socket.peer_addr().map_err(|error| broken(&error))?;
    let configuration = configuration().map_err(|error| broken(&error))?;
    let mut connection =
        ClientConnection::new(Arc::new(configuration), ServerName::from(peer.ip())).map_err(|error| broken(&error))?;
    while connection.is_handshaking() {
        fetch::limit(&socket, end)?;
        connection.complete_io(&mut socket).map_err(|error| fetch::reason(address, &error))?;
    }
    let certificate = connection.peer_certificates().and_then(|chain| chain.first()).cloned();
    let certificate = certificate.ok_or_else(|| broken(&"no certificate"))?;
    let left = seconds_left(&certificate).ok_or_else(|| broken(&"the certificate cannot be read"))?;
    let mut stream = StreamOwned::new(connection, socket);
    let status = ask(&mut stream, address, end);
    Ok(TlsAnswer { status, certificate_seconds_left: left })
}

/// The status of `/readyz`, or `None` when the peer does not speak HTTP with a stranger.
fn ask(stream: &mut (impl std::io::Read + Write), address: &str, end: Instant) -> Option<u16> {
    stream.write_all(fetch::request(address, "/readyz").as_bytes()).ok()?;
    let bytes = fetch::read_some(stream, end).ok()?;
    fetch::parse_answer(&bytes).map(|answer| answer.status)
}

/// Until the certificate ends, by this machine's clock.
fn seconds_left(certificate: &[u8]) -> Option<f64> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let end = parsed.validity().not_after.timestamp();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let left = end.saturating_sub(i64::try_from(now.as_secs()).ok()?);
    #[expect(clippy::cast_precision_loss, reason = "seconds of a certificate's life are far below 2^53")]
    let left = left as f64;
    Some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_certificate_have_no_end() {
        assert_eq!(seconds_left(b""), None);
        assert_eq!(seconds_left(&[0x30, 0x82, 0xff, 0xff]), None);
    }

    #[test]
    fn a_peer_that_speaks_no_tls_is_an_error() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            // A greeting that nobody read would reset the connection.
            assert!(std::io::Read::read(&mut stream, &mut [0; 4096]).unwrap() > 0);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let reason = https_answer(&address).unwrap_err();
        assert_eq!(reason.state, coord_model::ValueState::Error);
        server.join().unwrap();
    }
}
