//! Envelopes: who signed, and every way in which one isn't what it claims.

use countersign_model::Digest;

use super::*;
use crate::Statement;

fn statement(rule: &str) -> Statement {
    let (code, declaration) = (Digest::of(b"code"), Digest::of(b"declaration"));
    Statement { rule: rule.parse().unwrap(), version: "1.2.3".to_owned(), code, declaration, data: None }
}

fn key() -> SecretKey {
    SecretKey::generate().unwrap()
}

fn text(envelope: &Envelope<Statement>) -> String {
    String::from_utf8(envelope.to_bytes()).unwrap()
}

#[test]
fn an_envelope_names_those_who_signed_it() {
    let (first, second) = (key(), key());
    let one = Envelope::sign(statement("acme/watch"), &first);
    assert_eq!(Envelope::<Statement>::verify(&one.to_bytes()), Ok(one.clone()));
    assert_eq!(one.signers().collect::<Vec<_>>(), [&first.public()]);
    assert_eq!(one.statement(), &statement("acme/watch"));
    assert_eq!(one.clone().also_signed_by(&first), Ok(one.clone()), "once is enough");
    let both = one.also_signed_by(&second).unwrap();
    let read = Envelope::<Statement>::verify(&both.to_bytes()).unwrap();
    assert_eq!(read.signers().collect::<Vec<_>>(), [&first.public(), &second.public()]);
}

/// The example of the protocol (dsse, protocol.md): the encoding of a payload of another type.
#[test]
fn what_is_signed_says_its_type_and_length() {
    assert_eq!(encoded(b"{}"), b"DSSEv1 28 application/vnd.in-toto+json 2 {}");
    let key = key();
    let statement = statement("acme/watch");
    // Signed without saying what it is.
    let bare = key.sign(&statement.to_bytes());
    let envelope = Envelope { statement, signatures: vec![(key.public(), bare)] };
    assert_eq!(Envelope::<Statement>::verify(&envelope.to_bytes()), Err(EnvelopeError::Mismatch(key.public())));
}

#[test]
fn a_signature_of_anothers_statement_or_key_is_none() {
    let (own, other) = (key(), key());
    let good = Envelope::sign(statement("acme/watch"), &own);
    let moved = Envelope { statement: statement("acme/other"), ..good.clone() };
    assert_eq!(Envelope::<Statement>::verify(&moved.to_bytes()), Err(EnvelopeError::Mismatch(own.public())));
    let renamed = Envelope { signatures: vec![(other.public(), good.signatures[0].1)], ..good.clone() };
    assert_eq!(Envelope::<Statement>::verify(&renamed.to_bytes()), Err(EnvelopeError::Mismatch(other.public())));
    // One that isn't valid isn't hidden by one that is.
    let mixed = Envelope { signatures: [good.signatures.clone(), renamed.signatures].concat(), ..good };
    assert_eq!(Envelope::<Statement>::verify(&mixed.to_bytes()), Err(EnvelopeError::Mismatch(other.public())));
}

#[test]
fn each_part_counts() {
    let own = key();
    let good = text(&Envelope::sign(statement("acme/watch"), &own));
    let bytes = good.as_bytes();
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        assert!(Envelope::<Statement>::verify(&changed).is_err(), "byte {at}");
        assert!(Envelope::<Statement>::verify(&bytes[..at]).is_err(), "cut at {at}");
    }
    for other in [
        format!("{good} "),
        good.replace("\":", "\": "),
        good.replace("{\"payload\"", "{\"more\":1,\"payload\""),
        good.replace("vnd.in-toto+json", "json"),
        // Bits behind the last one of Base64.
        good.replace("==\"}", "=\"}"),
    ] {
        assert_ne!(other, good);
        assert!(Envelope::<Statement>::verify(other.as_bytes()).is_err(), "{other}");
    }
    let weak = good.replace(&own.public().to_string(), "ed25519:AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    assert!(matches!(Envelope::<Statement>::verify(weak.as_bytes()), Err(EnvelopeError::Form(_))));
}

#[test]
fn signatures_are_few_and_of_different_keys() {
    let own = key();
    let one = Envelope::sign(statement("acme/watch"), &own);
    let none = Envelope { signatures: Vec::new(), ..one.clone() };
    assert_eq!(Envelope::<Statement>::verify(&none.to_bytes()), Err(EnvelopeError::Signatures("0".to_owned())));
    let twice = Envelope { signatures: [one.signatures.clone(), one.signatures.clone()].concat(), ..one.clone() };
    assert!(matches!(Envelope::<Statement>::verify(&twice.to_bytes()), Err(EnvelopeError::Signatures(_))));
    let full = (1..MAX_SIGNATURES).try_fold(one, |envelope, _| envelope.also_signed_by(&key())).unwrap();
    let bytes = full.to_bytes();
    assert!(bytes.len() < MAX_ENVELOPE_BYTES / 2, "{}", bytes.len());
    assert_eq!(Envelope::<Statement>::verify(&bytes).unwrap().signers().count(), MAX_SIGNATURES);
    assert!(full.clone().also_signed_by(&key()).is_err());
    assert_eq!(full.clone().also_signed_by(&own), Ok(full.clone()));
    let more = Envelope::sign(statement("acme/watch"), &key());
    let many = Envelope { signatures: [full.signatures.clone(), more.signatures].concat(), ..full };
    assert_eq!(Envelope::<Statement>::verify(&many.to_bytes()), Err(EnvelopeError::Signatures("9".to_owned())));
    assert_eq!(
        Envelope::<Statement>::verify(&vec![b' '; MAX_ENVELOPE_BYTES + 1]),
        Err(EnvelopeError::TooLarge(MAX_ENVELOPE_BYTES + 1))
    );
}
