//! A file of accounts and groups that a directory is given, for tests and the demo.

use countersign_document::{Diagnostic, Document, Item, Problem, Reader, Table};

use crate::account::{self, MAX_NAME, NewAccount};
use crate::change::By;
use crate::change::Expected;
use crate::credential::{self, NewCredential, Prepared};
use crate::error::Error;
use crate::group::{self, NewGroup};
use crate::password::{MAX_PASSWORD, Secret};
use crate::store::Directory;
use crate::words::{AccountKind, Factor};

/// Maximum bytes of the file.
pub const MAX_SEED_BYTES: u64 = 4 << 20;

/// What a directory is given.
#[derive(Clone, Debug, Default)]
pub struct Seed {
    groups: Vec<NewGroup>,
    accounts: Vec<Seeded>,
}

/// An account with what belongs to it.
#[derive(Clone, Debug)]
struct Seeded {
    account: NewAccount,
    groups: Vec<String>,
    password: Option<Secret>,
    totp_secret: Option<Secret>,
}

impl Seed {
    /// Reads TOML: `version = 1`, `[[group]]` with `name` and `privileges`, and `[[account]]` with `username`, and optionally `id`,
    /// `display-name`, `type`, `password`, `totp-secret`, `required-factors` and `groups`.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Seed, Vec<Diagnostic>> {
        let longest = usize::try_from(MAX_SEED_BYTES).unwrap_or(usize::MAX);
        let document = Document::parse(text, longest).map_err(|diagnostic| vec![diagnostic])?;
        let reader: Reader<Problem> = Reader::new();
        let seed = reader.root(&document).table().map(|table| {
            if let Some(version) = table.required("version", "1") {
                version.integer::<i64>(1, 1);
            }
            let groups: Vec<NewGroup> = table.tables("group").filter_map(read_group).collect();
            let accounts: Vec<Seeded> =
                table.tables("account").filter_map(|item| read_account(item, &groups)).collect();
            table.finish();
            Seed { groups, accounts }
        });
        reader.finish(seed.unwrap_or_default())
    }

    /// How many accounts there are.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }
}

fn text(table: &Table<'_>, key: &'static str, longest: usize) -> Option<String> {
    table.get(key).and_then(|item| item.any_text(longest)).map(str::to_owned)
}

fn read_group(item: Item<'_>) -> Option<NewGroup> {
    let table = item.table()?;
    let name = table.read("name", "the group's name", |item| item.any_text(MAX_NAME).map(str::to_owned));
    let privileges = table
        .get("privileges")
        .map_or(Some(Vec::new()), |item| item.set((0, 64), |item| item.any_text(MAX_NAME).map(str::to_owned)));
    table.finish();
    Some(NewGroup { name: name?, privileges: privileges? })
}

fn read_account(item: Item<'_>, groups: &[NewGroup]) -> Option<Seeded> {
    let table = item.table()?;
    let username = table.read("username", "a name to sign in with", |item| item.any_text(MAX_NAME).map(str::to_owned));
    let kind = table.get("type").map_or(Some(AccountKind::Person), |item| item.word("a type of account"));
    let required_factors = table.get("required-factors").map_or(Some(None), |item| account::factors(item).map(Some));
    let named = table.get("groups").map_or(Some(Vec::new()), |item| {
        item.set((0, 64), |item| {
            let name = item.any_text(MAX_NAME)?;
            if groups.iter().any(|group| group.name == name) {
                return Some(name.to_owned());
            }
            item.unknown(
                Problem::UnknownWord,
                "a group of this file",
                name,
                groups.iter().map(|group| group.name.as_str()),
            )
        })
    });
    let account = NewAccount {
        id: text(&table, "id", MAX_NAME),
        username: username.clone().unwrap_or_default(),
        display_name: text(&table, "display-name", MAX_NAME),
        kind: kind.unwrap_or(AccountKind::Person),
        required_factors: required_factors.clone().flatten(),
    };
    let password = text(&table, "password", MAX_PASSWORD).map(Secret::new);
    let totp_secret = text(&table, "totp-secret", MAX_NAME).map(Secret::new);
    table.finish();
    username.and(kind).and(required_factors)?;
    Some(Seeded { account, groups: named?, password, totp_secret })
}

impl Directory {
    /// Gives a directory what a file has: all of it, or nothing. Groups that there are by name stay as they are, and so do accounts.
    ///
    /// Returns how many accounts were made.
    ///
    /// # Errors
    /// When something of it can't be made.
    pub fn seed(&self, seed: &Seed) -> Result<usize, Error> {
        let known = self.look(|change| {
            seed.accounts
                .iter()
                .map(|seeded| account::named(change, &seeded.account.username))
                .collect::<Result<Vec<_>, _>>()
        })?;
        let new = seed.accounts.iter().zip(known).filter(|(_, known)| known.is_none()).map(|(seeded, _)| seeded);
        // Beside the transaction: passwords take long to hash.
        let prepared: Vec<(&Seeded, Vec<Prepared>)> = new
            .map(|seeded| {
                let secrets = [(Factor::Password, &seeded.password), (Factor::Totp, &seeded.totp_secret)];
                let given = secrets.into_iter().filter_map(|(kind, secret)| {
                    let secret = secret.clone()?;
                    let (password, secret) = match kind {
                        Factor::Password => (Some(secret), None),
                        _ => (None, Some(secret)),
                    };
                    Some(credential::prepare(NewCredential { kind, name: None, password, secret }))
                });
                Ok((seeded, given.collect::<Result<Vec<_>, Error>>()?))
            })
            .collect::<Result<_, Error>>()?;
        self.change(&By::console(), |change| {
            for new in &seed.groups {
                if group::named(change, &new.name)?.is_none() {
                    group::create(change, new)?;
                }
            }
            for (seeded, credentials) in &prepared {
                let account = account::create(change, &seeded.account)?;
                for credential in credentials {
                    credential::create(change, &account.id, credential)?;
                }
                for name in &seeded.groups {
                    if let Some(group) = group::named(change, name)? {
                        group::add(change, &group.id, &account.id, &Expected::default())?;
                    }
                }
            }
            Ok(prepared.len())
        })
    }
}
