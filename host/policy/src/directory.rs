//! The operator's directory of identities: `identities.toml`, or the same records as NDJSON.

mod index;
mod names;
mod person;
mod read;
mod shapes;

use std::sync::Arc;

use countersign_document::Diagnostic;
use countersign_model::vocabulary::{IdentityType, Tier};
use countersign_model::{Account, Identity};

use index::Index;
pub use person::{Person, PersonKey, PersonRole};

/// The operator's facts about identities, as of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    identities: Vec<DirectoryIdentity>,
    persons: Vec<Person>,
    /// Identities by their ids.
    by_id: Index,
    /// Identities by their accounts, each a pair of places.
    by_account: Index,
    warnings: Vec<Diagnostic>,
}

/// One identity with its facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryIdentity {
    /// The operator's stable id; unique in the directory.
    pub id: String,
    /// Its type; if not set, the type that the record proves.
    pub identity_type: Option<IdentityType>,
    /// Its tier; critical if not set.
    pub tier: Tier,
    /// Such as `production`; equal texts are mostly shared.
    pub environment: Option<Arc<str>>,
    /// Id of the owner, another identity of the directory.
    pub owner: Option<String>,
    /// Never automatically contained.
    pub protected: bool,
    /// Emergency access.
    pub break_glass: bool,
    /// The accounts linked to it, in written order.
    pub accounts: Vec<LinkedAccount>,
}

/// An account linked to an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkedAccount {
    /// The account; linked only once in the directory.
    pub account: Account,
    /// Where the link comes from, for people; equal texts are mostly shared.
    pub provenance: Option<Arc<str>>,
}

impl Directory {
    /// Reads `identities.toml`: `[[identity]]` with `id`, `type`, `tier`, `environment`, `owner`, `protected`,
    /// `break-glass`, and in each `[[identity.account]]` with `provider`, `tenant`, `subject`, `provenance`; and
    /// `[[person]]` with `identity`, `uid`, `roles`, `keys`. Or NDJSON, which a text that begins with `{` is: an identity a
    /// line, with the same keys and a list `account`, and lines `{"person": {…}}`.
    ///
    /// ```
    /// use countersign_model::Account;
    /// use countersign_model::vocabulary::{IdentityType, Tier};
    /// use countersign_policy::Directory;
    ///
    /// let directory = Directory::parse(
    ///     r#"
    ///     [[identity]]
    ///     id = "alice"
    ///     type = "human"
    ///     tier = "standard"
    ///
    ///     [[identity.account]]
    ///     provider = "aws"
    ///     tenant = "111122223333"
    ///     subject = "AIDAALICE"
    ///     "#,
    /// )
    /// .unwrap();
    /// let alice = directory.resolve(&Account::new("aws", "111122223333", "AIDAALICE"), None, false);
    /// assert_eq!((alice.identity_type, alice.tier), (IdentityType::Human, Tier::Standard));
    /// // An account without facts is of tier critical.
    /// let stranger = directory.resolve(&Account::new("aws", "111122223333", "AIDABOB"), None, false);
    /// assert_eq!(stranger.tier, Tier::Critical);
    ///
    /// let lines = r#"{"id": "alice", "type": "human", "tier": "standard",
    ///     "account": [{"provider": "aws", "tenant": "111122223333", "subject": "AIDAALICE"}]}"#;
    /// assert_eq!(Directory::parse(&lines.replace('\n', "")).unwrap(), directory);
    /// ```
    ///
    /// Ids that aren't what they look like are faults: with spaces around them, characters that can't be seen, letters of
    /// several scripts, or an id that looks like another's.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Directory, Vec<Diagnostic>> {
        read::read(text)
    }

    /// Accounts that no record can have, by the form of their ids: an ARN or a name where an immutable id belongs, say.
    /// They are no fault, since a later version may have them, but the author most likely meant something else. At most 101.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// What is known about the identity behind an account: the operator's fact first; without one, the type that the
    /// record proves and tier critical. `protected` is what the record itself proves. Neither that nor what an account is by
    /// nature can a fact take away.
    #[must_use]
    pub fn resolve(&self, account: &Account, proved: Option<IdentityType>, protected: bool) -> Identity {
        let protected = protected || account.is_protected_by_nature();
        match self.identity_of(account) {
            Some(fact) => Identity { protected: fact.protected || protected, ..fact.identity(proved) },
            None => Identity::without_fact(proved, protected),
        }
    }

    /// The identity that an account is linked to.
    #[must_use]
    pub fn identity_of(&self, account: &Account) -> Option<&DirectoryIdentity> {
        let is_it =
            |(identity, place): (u32, u32)| self.linked(identity, place).is_some_and(|one| one.account == *account);
        let (identity, _) = self.by_account.find(account, is_it)?;
        self.identities.get(identity as usize)
    }

    /// The identity with this id.
    #[must_use]
    pub fn identity(&self, id: &str) -> Option<&DirectoryIdentity> {
        let at = |place: u32| self.identities.get(place as usize);
        let (place, _) = self.by_id.find(id, |(place, _)| at(place).is_some_and(|one| one.id == id))?;
        at(place)
    }

    fn linked(&self, identity: u32, place: u32) -> Option<&LinkedAccount> {
        self.identities.get(identity as usize)?.accounts.get(place as usize)
    }

    /// The owner of the identity that an account is linked to.
    #[must_use]
    pub fn owner_of(&self, account: &Account) -> Option<&DirectoryIdentity> {
        self.identity(self.identity_of(account)?.owner.as_deref()?)
    }

    /// The accounts of the identity with this id, in written order; none if there is no such identity.
    pub fn accounts_of(&self, id: &str) -> impl Iterator<Item = &Account> {
        self.identity(id).into_iter().flat_map(|identity| &identity.accounts).map(|linked| &linked.account)
    }

    /// Everybody who works with the host, in written order.
    #[must_use]
    pub fn persons(&self) -> &[Person] {
        &self.persons
    }

    /// Every identity, in written order.
    #[must_use]
    pub fn identities(&self) -> &[DirectoryIdentity] {
        &self.identities
    }
}

impl DirectoryIdentity {
    /// The facts as the model has them.
    #[must_use]
    pub fn identity(&self, proved: Option<IdentityType>) -> Identity {
        Identity {
            directory_id: Some(self.id.clone()),
            identity_type: self.identity_type.or(proved).unwrap_or(IdentityType::Unknown),
            tier: self.tier,
            environment: self.environment.as_deref().map(str::to_owned),
            owner: self.owner.clone(),
            protected: self.protected,
            break_glass: self.break_glass,
        }
    }
}
