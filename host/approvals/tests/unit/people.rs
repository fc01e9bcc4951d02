//! People with keys, cards, and their signed answers, for the tests of this crate.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use countersign_model::format::Format;
use countersign_model::vocabulary::{Action, EvidenceRole};
use countersign_model::{Account, Timestamp};
use countersign_policy::{Directory, Person};
use countersign_signing::SecretKey;
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use crate::{Answer, Bar, Card, Electorate, Evidence, NAMESPACE, Signed, Statement, Undoing};

/// The secret key of a person; another one for another number.
fn key(number: u8) -> &'static SecretKey {
    static KEYS: LazyLock<Vec<SecretKey>> =
        LazyLock::new(|| (0..=255).map(|_| SecretKey::generate().unwrap()).collect());
    &KEYS[usize::from(number)]
}

fn public(number: u8) -> KeyData {
    KeyData::Ed25519(Ed25519PublicKey(key(number).public().to_bytes()))
}

pub(crate) fn name(number: u8) -> String {
    format!("p{number}")
}

/// People with these roles, numbered from 1. A person has the key of its number, and the one of 100 more.
pub(crate) fn people(roles: &[&str]) -> Vec<Person> {
    let mut text = String::new();
    for number in 1..=u8::try_from(roles.len()).unwrap() {
        let (id, role) = (name(number), roles[usize::from(number) - 1]);
        let public = |number| PublicKey::from(public(number)).to_openssh().unwrap();
        let (one, two) = (public(number), public(number + 100));
        writeln!(text, "[[identity]]\nid = \"{id}\"\ntype = \"human\"\ntier = \"standard\"\n[[identity.account]]\nprovider = \"aws\"\ntenant = \"1\"\nsubject = \"{id}\"\nprovenance = \"hr\"").unwrap();
        writeln!(
            text,
            "[[person]]\nidentity = \"{id}\"\nuid = {}\nroles = [\"{role}\"]\nkeys = [\"{one}\", \"{two}\"]",
            1_000 + u32::from(number)
        )
        .unwrap();
    }
    Directory::parse(&text).unwrap().persons().to_vec()
}

pub(crate) fn evidence(event: &str, confidence: u8) -> Evidence {
    Evidence {
        rule: "local/rule".parse().unwrap(),
        event: event.to_owned(),
        confidence,
        role: EvidenceRole::AuthenticatedAs,
    }
}

/// A card with this number, asked by the host of this number, that expires an hour after the start of time.
pub(crate) fn card(approval: u64, host: u8) -> Card {
    Card {
        version: Format,
        host: key(200 + host).public(),
        approval,
        action: Action::SuspendAccount,
        account: Account::new("aws", "1", "victim"),
        reference: None,
        lease: Some(3_600),
        estimate: Some([1, 2, 1]),
        undo: Undoing::Restored,
        evidence: vec![evidence("e-1", 80), evidence("e-2", 60)],
        expires: at(3_600),
    }
}

/// Seconds after the start of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp(seconds * 1_000_000)
}

/// What the holder of a key says.
pub(crate) fn signed(number: u8, statement: &Statement) -> Signed {
    signed_for(number, statement, NAMESPACE)
}

pub(crate) fn signed_for(number: u8, statement: &Statement, namespace: &str) -> Signed {
    let statement = statement.to_text();
    let data = SshSig::signed_data(namespace, HashAlg::Sha512, statement.as_bytes()).unwrap();
    let signature = Signature::new(Algorithm::Ed25519, key(number).sign(&data)).unwrap();
    let signature = SshSig::new(public(number), namespace, HashAlg::Sha512, signature).unwrap();
    Signed { statement, signature: signature.to_pem(LineEnding::LF).unwrap() }
}

/// An answer of a person to a card.
pub(crate) fn says(number: u8, card: &Card, answer: Answer) -> Signed {
    signed(number, &Statement::new(card, answer, "I called her, and it wasn't her"))
}

/// Bars by the numbers of people.
pub(crate) fn bars(bars: &[(u8, Bar)]) -> BTreeMap<String, BTreeSet<Bar>> {
    let mut all: BTreeMap<String, BTreeSet<Bar>> = BTreeMap::new();
    for (number, bar) in bars {
        all.entry(name(*number)).or_default().insert(*bar);
    }
    all
}

pub(crate) fn electorate<'a>(persons: &'a [Person], barred: &'a BTreeMap<String, BTreeSet<Bar>>) -> Electorate<'a> {
    Electorate { persons, barred }
}
