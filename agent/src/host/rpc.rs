//! The smallest ONC RPC conversation: a call of procedure 0, which every program answers, and what a reply means.
//!
//! Source: RFC 5531, sections 9 (messages), 8.1 (AUTH_NONE) and 11 (record marks of streams).

/// The program number of NFS (RFC 1813, RFC 8881).
const NFS: u32 = 100_003;
/// The version of RPC itself.
const RPC_VERSION: u32 = 2;
const CALL: u32 = 0;
const REPLY: u32 = 1;
const ACCEPTED: u32 = 0;
const DENIED: u32 = 1;
/// The bit of a record mark that says that this is the last fragment.
const LAST: u32 = 1 << 31;
/// Number, direction and verdict: the part of a reply that is looked at.
const SHORTEST: u32 = 12;
/// Longer than any reply to procedure 0.
const LONGEST: u32 = 64 << 10;

/// What came back so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RpcReply {
    /// Too little to say anything.
    Incomplete,
    /// An RPC service answered this very call, be it with success or with a refusal.
    Alive,
    /// No reply to this call, and why not.
    Nonsense(String),
}

/// The call of procedure 0 of NFS `version` with the number `xid`, without any identity.
pub(super) fn null_call(xid: u32, version: u32) -> Vec<u8> {
    // Call, RPC version, program, its version, procedure 0, then two empty AUTH_NONE of two words each.
    let words = [xid, CALL, RPC_VERSION, NFS, version, 0, 0, 0, 0, 0];
    let length = u32::try_from(words.len() * 4).unwrap_or(0);
    std::iter::once(LAST | length).chain(words).flat_map(u32::to_be_bytes).collect()
}

/// What `bytes`, the beginning of a stream, say to the call `xid`. A refusal is an answer: `PROG_MISMATCH` comes from a
/// service that lives.
pub(crate) fn parse_reply(bytes: &[u8], xid: u32) -> RpcReply {
    let word = |place: usize| bytes.get(place * 4..)?.first_chunk::<4>().map(|four| u32::from_be_bytes(*four));
    let nonsense = |why: &str| RpcReply::Nonsense(why.to_string());
    let Some(mark) = word(0) else { return RpcReply::Incomplete };
    let length = mark & !LAST;
    if !(SHORTEST..=LONGEST).contains(&length) {
        return nonsense("its answer is no RPC record");
    }
    let (Some(number), Some(direction), Some(verdict)) = (word(1), word(2), word(3)) else {
        return RpcReply::Incomplete;
    };
    match (number == xid, direction, verdict) {
        (true, REPLY, ACCEPTED | DENIED) => RpcReply::Alive,
        (true, _, _) => nonsense("its answer is no RPC reply"),
        (false, _, _) => nonsense("it answered another call"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(words: &[u32]) -> Vec<u8> {
        let length = u32::try_from(words.len() * 4).unwrap();
        std::iter::once(LAST | length).chain(words.iter().copied()).flat_map(u32::to_be_bytes).collect()
    }

    #[test]
    fn a_call_is_forty_bytes_and_a_mark() {
        let call = null_call(7, 4);
        assert_eq!(call.len(), 44);
        assert_eq!(call[..12], [0x80, 0, 0, 40, 0, 0, 0, 7, 0, 0, 0, 0]);
        assert_eq!(call[12..28], [0, 0, 0, 2, 0, 1, 0x86, 0xa3, 0, 0, 0, 4, 0, 0, 0, 0]);
    }

    #[test]
    fn every_verdict_of_a_service_is_life() {
        let success = [7, REPLY, ACCEPTED, 0, 0, 0];
        let mismatch = [7, REPLY, ACCEPTED, 0, 0, 2, 3, 4];
        let unavailable = [7, REPLY, ACCEPTED, 0, 0, 1];
        let denied = [7, REPLY, DENIED, 1, 5];
        for words in [&success[..], &mismatch, &unavailable, &denied] {
            assert_eq!(parse_reply(&reply(words), 7), RpcReply::Alive);
        }
    }

    #[test]
    fn what_is_cut_is_waited_for_and_what_is_wrong_is_named() {
        let whole = reply(&[7, REPLY, ACCEPTED, 0, 0, 0]);
        for length in 0..16 {
            assert_eq!(parse_reply(&whole[..length], 7), RpcReply::Incomplete, "{length}");
        }
        for (bytes, why) in [
            (reply(&[8, REPLY, ACCEPTED, 0, 0, 0]), "it answered another call"),
            (reply(&[7, CALL, 2, NFS, 4, 0]), "its answer is no RPC reply"),
            (reply(&[7, REPLY, 9]), "its answer is no RPC reply"),
            (reply(&[7, REPLY]), "its answer is no RPC record"),
            (b"HTTP/1.1 400 Bad Request\r\n".to_vec(), "its answer is no RPC record"),
            (b"SSH-2.0-OpenSSH".to_vec(), "its answer is no RPC record"),
        ] {
            assert_eq!(parse_reply(&bytes, 7), RpcReply::Nonsense(why.to_string()), "{bytes:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..64), xid: u32) {
            parse_reply(&bytes, xid);
        }
    }
}
