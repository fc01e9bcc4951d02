//! Persons: who of the directory works with the host, by which user of its machine, in which roles, and with which keys.

use std::fmt;

use countersign_document::{Diagnostic, NodeValue, Problem, nearest, quoted};
use countersign_model::vocabulary::{IdentityType, text_ids};
use ssh_key::{Algorithm, PublicKey};

use super::Directory;
use crate::reader::{Item, Reader};

/// The most persons: who works with a host, not whom it watches.
const MAX_PERSONS: usize = 1_000;

/// The most keys of a person.
const MAX_KEYS: usize = 16;

/// The most bytes of a key's text: an ed25519 key has 68 in Base64, and a comment of people.
const MAX_KEY: usize = 4_096;

text_ids! {
    /// What a person may do. Roles add up; none has another in it.
    pub enum PersonRole {
        /// Has generations serve: applies, rolls back, asks for plans, and makes tokens.
        Operator = "operator",
        /// Approves what a decision asks a person for.
        Approver = "approver",
        /// Looks.
        Viewer = "viewer",
    }
}

/// A person who works with the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Id of the person's identity in the directory, of type human; no other person has it.
    pub identity: String,
    /// The user of the host's machine that the person is, never 0; no other person has it.
    pub uid: u32,
    /// What the person may do, in the order of [`PersonRole`].
    pub roles: Vec<PersonRole>,
    /// Whose signatures are the person's; no other person has one of them.
    pub keys: Vec<PersonKey>,
}

impl Person {
    /// Whether the person has a role.
    #[must_use]
    pub fn has(&self, role: PersonRole) -> bool {
        self.roles.contains(&role)
    }
}

/// A public key of OpenSSH's: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com` or `sk-ecdsa-sha2-nistp256@openssh.com`. Two are
/// equal if the keys are, whatever their comments say.
#[derive(Clone, Debug)]
pub struct PersonKey(PublicKey);

impl PersonKey {
    /// The key.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.0
    }
}

impl PartialEq for PersonKey {
    fn eq(&self, other: &PersonKey) -> bool {
        self.0.key_data() == other.0.key_data()
    }
}

impl Eq for PersonKey {}

/// Its fingerprint, as `ssh-keygen -l` prints it: `SHA256:` and 43 characters.
impl fmt::Display for PersonKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0.fingerprint(ssh_key::HashAlg::Sha256).to_string())
    }
}

/// Persons as far as they are read, and where each is.
#[derive(Default)]
pub(super) struct Persons {
    persons: Vec<Person>,
    places: Vec<Place>,
}

/// Where a person is.
struct Place {
    /// As diagnostics say it; empty in a file of lines.
    place: String,
    line: Option<usize>,
}

impl Persons {
    pub(super) fn read(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        if self.persons.len() == MAX_PERSONS {
            item.refuse::<()>(Problem::OutOfRange, format!("at most {MAX_PERSONS} persons"), "more", None);
            return;
        }
        let identity = table.read("identity", "the id of an identity of this file", |item| item.text());
        let uid = table.read("uid", "the person's user on the host's machine", |item| self.uid(item));
        let roles = table.read("roles", "what the person may do, such as `[\"operator\"]`", |item| {
            item.set((1, PersonRole::ALL.len()), |item| item.word::<PersonRole>("a role"))
        });
        let keys = table.get("keys").and_then(|item| {
            let mut keys = Vec::new();
            item.list((0, MAX_KEYS), |item| self.key(item, &mut keys))?;
            Some(keys)
        });
        table.finish();
        let mut roles = roles.unwrap_or_default();
        roles.sort_unstable();
        self.places.push(Place { place: item.node().place.clone(), line: item.node().line });
        self.persons.push(Person {
            identity: identity.unwrap_or_default().to_owned(),
            uid: uid.unwrap_or_default(),
            roles,
            keys: keys.unwrap_or_default(),
        });
    }

    fn uid(&self, item: Item<'_>) -> Option<u32> {
        if item.node().value == NodeValue::Integer(0) {
            let hint = Some("root is whoever became it".to_owned());
            return item.refuse(Problem::InvalidValue, "a user that is one person", "0, root", hint);
        }
        // The greatest number is nobody's: chown(2) takes it for "leave as it is".
        let uid = item.integer::<u32>(1, i64::from(u32::MAX) - 1)?;
        if let Some(other) = self.persons.iter().find(|person| person.uid == uid) {
            let hint = Some(format!("it is that of {} already", quoted(&other.identity)));
            return item.refuse(Problem::DuplicateValue, "a user once", uid.to_string(), hint);
        }
        Some(uid)
    }

    fn key(&self, item: Item<'_>, keys: &mut Vec<PersonKey>) -> Option<()> {
        const EXPECTED: &str = "a public key as OpenSSH writes it: `ssh-ed25519 AAAA…`, or one of a security key \
                                (`sk-ssh-ed25519@openssh.com`, `sk-ecdsa-sha2-nistp256@openssh.com`)";
        let text = item.any_text(MAX_KEY)?;
        if text.contains("PRIVATE KEY") {
            let hint = Some("make a new key: this one is in a file that others read".to_owned());
            return item.refuse(Problem::InvalidValue, EXPECTED, "a secret key", hint);
        }
        let Ok(key) = PublicKey::from_openssh(text) else {
            return item.refuse(Problem::InvalidValue, EXPECTED, "something else", None);
        };
        let known =
            matches!(key.algorithm(), Algorithm::Ed25519 | Algorithm::SkEd25519 | Algorithm::SkEcdsaSha2NistP256);
        if !known {
            let got = quoted(key.algorithm().as_str());
            return item.refuse(Problem::InvalidValue, EXPECTED, format!("one of {got}"), None);
        }
        let key = PersonKey(key);
        let owner = self.persons.iter().find(|person| person.keys.contains(&key));
        if owner.is_some() || keys.contains(&key) {
            // One key of two persons would make either as good as the other.
            let owner = owner.map_or_else(|| "this person".to_owned(), |owner| quoted(&owner.identity));
            let hint = Some(format!("it is one of {owner} already"));
            return item.refuse(Problem::DuplicateValue, "a key once", key.to_string(), hint);
        }
        keys.push(key);
        Some(())
    }

    /// The persons, each of whom is a human of the directory, and no two of them the same.
    pub(super) fn finish(self, directory: &Directory, reader: &Reader) -> Vec<Person> {
        for (number, (person, at)) in self.persons.iter().zip(&self.places).enumerate() {
            // What is missing is a fault already.
            if person.identity.is_empty() {
                continue;
            }
            let refuse = |problem, expected: &str, got: String, hint: Option<String>| {
                let place = if at.place.is_empty() { "identity".to_owned() } else { format!("{}.identity", at.place) };
                reader.push(problem, Diagnostic::new(place, expected, got).with_line(at.line).with_hint(hint));
            };
            let got = quoted(&person.identity);
            match directory.identity(&person.identity).map(|identity| identity.identity_type) {
                None => {
                    let ids = directory.identities().iter().map(|one| one.id.as_str()).filter(|id| !id.is_empty());
                    let near = nearest(&person.identity, ids).map(|near| format!("did you mean `{near}`?"));
                    refuse(Problem::UnknownWord, "the id of an identity of this file", got, near);
                }
                Some(Some(IdentityType::Human)) => {}
                Some(other) => {
                    let got = format!(
                        "{got}, {}",
                        other.map_or_else(|| "which has none".to_owned(), |id| format!("of type {id}"))
                    );
                    refuse(Problem::Conflict, "an identity of type human", got, None);
                }
            }
            if self.persons.iter().take(number).any(|earlier| earlier.identity == person.identity) {
                refuse(Problem::DuplicateValue, "an identity once", quoted(&person.identity), None);
            }
        }
        self.persons
    }
}
