//! The operator's directory of identities: `identities.toml`.

use std::collections::BTreeMap;

use countersign_document::{Diagnostic, Problem, quoted};
use countersign_model::vocabulary::{IdentityType, Tier};
use countersign_model::{Account, Identity};

use crate::reader::{Item, flag, optional_text, read_file, required_text};

/// The operator's facts about identities, as of one generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directory {
    identities: Vec<DirectoryIdentity>,
    by_id: BTreeMap<String, usize>,
    by_account: BTreeMap<Account, usize>,
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
    /// Such as `production`.
    pub environment: Option<String>,
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
    /// Where the link comes from, for people.
    pub provenance: Option<String>,
}

impl Directory {
    /// Reads `identities.toml`: `[[identity]]` with `id`, `type`, `tier`, `environment`, `owner`, `protected`,
    /// `break-glass`, and in each `[[identity.account]]` with `provider`, `tenant`, `subject`, `provenance`.
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
    /// ```
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Directory, Vec<Diagnostic>> {
        read_file(text, |table| {
            let mut directory = Directory::default();
            let mut owners = Vec::new();
            for item in table.tables("identity") {
                directory.read_identity(item, &mut owners);
            }
            for owner in owners {
                directory.check_owner(owner);
            }
            directory
        })
    }

    fn read_identity<'n>(&mut self, item: Item<'n>, owners: &mut Vec<Item<'n>>) {
        let Some(table) = item.table() else { return };
        let place = self.identities.len();
        let id = required_text(&table, "id", "the operator's stable id");
        if let Some(id) = &id {
            if let Some(first) = self.by_id.get(id) {
                let hint = format!("it is the id of `identity[{first}]` already");
                item.refuse::<()>(Problem::DuplicateValue, "an id once", quoted(id), Some(hint));
            } else {
                self.by_id.insert(id.clone(), place);
            }
        }
        owners.extend(table.get("owner"));
        let mut accounts = Vec::new();
        for item in table.tables("account") {
            let Some(account) = read_account(item) else { continue };
            if let Some(first) = self.by_account.get(&account.account) {
                let hint = format!("it belongs to `identity[{first}]` already");
                let got = quoted(&account.account.to_string());
                item.refuse::<()>(Problem::DuplicateValue, "an account once", got, Some(hint));
            } else {
                self.by_account.insert(account.account.clone(), place);
                accounts.push(account);
            }
        }
        self.identities.push(DirectoryIdentity {
            id: id.unwrap_or_default(),
            identity_type: table.get("type").and_then(|item| item.word::<IdentityType>("an identity type")),
            tier: table.get("tier").and_then(|item| item.word::<Tier>("a tier")).unwrap_or(Tier::Critical),
            environment: optional_text(&table, "environment"),
            owner: optional_text(&table, "owner"),
            protected: flag(&table, "protected"),
            break_glass: flag(&table, "break-glass"),
            accounts,
        });
        table.finish();
    }

    /// Reports an owner that isn't in the file.
    fn check_owner(&self, item: Item<'_>) {
        // What isn't text was reported when the identity was read.
        if let Some(owner) = item.node().as_text().filter(|owner| !owner.is_empty() && !self.by_id.contains_key(*owner))
        {
            let what = "the id of an identity of this file";
            item.unknown::<()>(Problem::UnknownWord, what, owner, self.by_id.keys().map(String::as_str));
        }
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
        self.by_account.get(account).and_then(|place| self.identities.get(*place))
    }

    /// The identity with this id.
    #[must_use]
    pub fn identity(&self, id: &str) -> Option<&DirectoryIdentity> {
        self.by_id.get(id).and_then(|place| self.identities.get(*place))
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
            environment: self.environment.clone(),
            owner: self.owner.clone(),
            protected: self.protected,
            break_glass: self.break_glass,
        }
    }
}

fn read_account(item: Item<'_>) -> Option<LinkedAccount> {
    let table = item.table()?;
    let provider = required_text(&table, "provider", "such as `aws`");
    let tenant = required_text(&table, "tenant", "the provider's tenant");
    let subject = required_text(&table, "subject", "the immutable subject id within the tenant");
    let provenance = optional_text(&table, "provenance");
    table.finish();
    Some(LinkedAccount { account: Account::new(provider?, tenant?, subject?), provenance })
}
