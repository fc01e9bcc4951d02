//! What is signed about a log: its one form in bytes, and that it is never taken for a statement about a rule.

use countersign_model::{Digest, RuleId, Timestamp};

use super::*;
use crate::{Envelope, EnvelopeError, SecretKey, Statement};

fn checkpoint() -> Checkpoint {
    Checkpoint {
        segment: 2,
        first: 10,
        records: 25,
        link: Digest([7; 32]),
        standing: Some(Digest([1; 32])),
        kept: 10,
        previous: Some(Digest([2; 32])),
        begun: Timestamp(1_700_000_000_000_000),
        at: Timestamp(1_700_000_060_000_000),
        replaces: None,
    }
}

#[test]
fn a_checkpoint_reads_back_and_has_one_form() {
    let last = Checkpoint { standing: None, previous: None, ..checkpoint() };
    for one in [checkpoint(), last] {
        let bytes = one.to_bytes();
        assert_eq!(Checkpoint::read(&bytes), Ok(one));
        let text = String::from_utf8(bytes).unwrap();
        for other in [text.replace("\"first\":10", "\"first\": 10"), text.replace("\"log\"", "\"lag\"")] {
            assert_eq!(Checkpoint::read(other.as_bytes()), Err(StatementError::NotCanonical), "{other}");
        }
        let large = text.replace("\"records\":25", "\"records\":9007199254740993");
        assert!(matches!(Checkpoint::read(large.as_bytes()), Err(StatementError::Form { .. })));
    }
    assert_ne!(checkpoint().digest(), Checkpoint { at: Timestamp(1), ..checkpoint() }.digest());
}

#[test]
fn a_signature_of_one_kind_of_statement_is_none_of_the_other() {
    let key = SecretKey::generate().unwrap();
    let signed = Envelope::sign(checkpoint(), &key).to_bytes();
    assert_eq!(Envelope::<Checkpoint>::verify(&signed).unwrap().signers().next(), Some(&key.public()));
    assert!(matches!(Envelope::<Statement>::verify(&signed), Err(EnvelopeError::Statement(_))));
    let rule = Statement {
        rule: "acme/watch".parse::<RuleId>().unwrap(),
        version: "1.0.0".to_owned(),
        code: Digest([0; 32]),
        declaration: Digest([0; 32]),
        data: None,
    };
    let signed = Envelope::sign(rule, &key).to_bytes();
    assert!(matches!(Envelope::<Checkpoint>::verify(&signed), Err(EnvelopeError::Statement(_))));
}
