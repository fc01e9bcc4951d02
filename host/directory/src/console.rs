//! What whoever has the file may do with it by a command, also beside a process that serves it.

use crate::account::{self, NewAccount};
use crate::change::{By, Expected};
use crate::credential::{self, NewCredential};
use crate::error::Error;
use crate::group;
use crate::password::Secret;
use crate::principal::{self, NewPrincipal};
use crate::store::Directory;
use crate::words::Factor;

/// What an account gets when it is made.
#[derive(Clone, Debug, Default)]
pub struct Beginning {
    /// A password.
    pub password: Option<Secret>,
    /// Whether it gets a device, whose secret is shown once.
    pub totp: bool,
    /// Whether it gets a key, which is shown once.
    pub api_key: bool,
    /// The names of groups that it is put into.
    pub groups: Vec<String>,
}

/// An account that was made.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Its id.
    pub id: String,
    /// The secret of its device, in base 32.
    pub totp: Option<Secret>,
    /// Its key.
    pub api_key: Option<Secret>,
}

impl Directory {
    /// Whether anybody may administer it by now.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn has_principals(&self) -> Result<bool, Error> {
        self.look(|change| Ok(!principal::list(change)?.is_empty()))
    }

    /// Makes an administrative credential; returns its id, and its text, which is nowhere else.
    ///
    /// # Errors
    /// When its name is taken, or the file can't be written.
    pub fn new_principal(&self, new: &NewPrincipal) -> Result<(String, Secret), Error> {
        self.change(&By::console(), |change| {
            let (principal, secret) = principal::create(change, new)?;
            Ok((principal.id, secret))
        })
    }

    /// Revokes an administrative credential.
    ///
    /// # Errors
    /// When there is none with this id, or the file can't be written.
    pub fn revoke_principal(&self, id: &str) -> Result<(), Error> {
        self.change(&By::console(), |change| principal::revoke(change, id).map(|_| ()))
    }

    /// Makes an account with what it begins with: all of it, or nothing.
    ///
    /// # Errors
    /// When its name is taken, there is no such group, or the file can't be written.
    pub fn new_account(&self, new: &NewAccount, beginning: &Beginning) -> Result<Begun, Error> {
        let prepare = |kind, password| credential::prepare(NewCredential { kind, name: None, password, secret: None });
        let password =
            beginning.password.clone().map(|password| prepare(Factor::Password, Some(password))).transpose()?;
        let totp = beginning.totp.then(|| prepare(Factor::Totp, None)).transpose()?;
        let api_key = beginning.api_key.then(|| prepare(Factor::ApiKey, None)).transpose()?;
        self.change(&By::console(), |change| {
            let account = account::create(change, new)?;
            for name in &beginning.groups {
                let group = group::named(change, name)?.ok_or_else(|| Error::missing("a group", name))?;
                group::add(change, &group.id, &account.id, &Expected::default())?;
            }
            let mut made = [None, None, None];
            for (made, prepared) in made.iter_mut().zip([&password, &totp, &api_key]) {
                if let Some(prepared) = prepared {
                    let answer = credential::create(change, &account.id, prepared)?;
                    *made = answer.secret.map(|(_, secret)| secret);
                }
            }
            let [_, totp, api_key] = made;
            Ok(Begun { id: account.id, totp, api_key })
        })
    }
}
