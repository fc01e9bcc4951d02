//! Has every token stand on record before it counts, whoever made it: what becomes of tokens is an input of the host.

use std::collections::BTreeMap;
use std::fmt;

use countersign_daemon::Host;
use countersign_model::{Timestamp, TokenChange, TokenNote};

use crate::token::Token;
use crate::tokens::TokensError;

/// Who changed tokens where nobody said so: another process, while no host served or by writing the file.
const NOBODY: &str = "unknown: not by the host that serves";

/// What is on record of tokens.
pub(crate) struct Register {
    host: Host,
    /// The tokens that are valid by the record, by id.
    known: BTreeMap<String, TokenNote>,
}

impl Register {
    /// Reads what is on record.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn read(host: &Host) -> Result<Register, TokensError> {
        let notes = host.tokens_on_record().map_err(|error| TokensError::NotOnRecord(error.to_string()))?;
        let made = notes.into_iter().filter(|note| note.change == TokenChange::Made);
        Ok(Register { host: host.clone(), known: made.map(|note| (note.id.clone(), note)).collect() })
    }

    /// Puts on record how these tokens differ from what is there. One that has expired goes without a word.
    ///
    /// # Errors
    /// When it isn't on record. What was put is.
    pub(crate) fn agree(&mut self, tokens: &[Token], now: Timestamp, by: Option<&str>) -> Result<(), TokensError> {
        let mut changes = Vec::new();
        for token in tokens {
            let note = note(token, TokenChange::Made, by);
            let is_same = |known: &TokenNote| (&known.scope, known.expires) == (&note.scope, note.expires);
            if !token.is_expired(now) && !self.known.get(&token.id).is_some_and(is_same) {
                changes.push(note);
            }
        }
        for known in self.known.values().filter(|known| known.expires > now) {
            if !tokens.iter().any(|token| token.id == known.id) {
                let by = by.unwrap_or(NOBODY).to_owned();
                changes.push(TokenNote { change: TokenChange::Revoked, by, ..known.clone() });
            }
        }
        for note in changes {
            self.host.note_token(note.clone()).map_err(|error| TokensError::NotOnRecord(error.to_string()))?;
            match note.change {
                TokenChange::Made => drop(self.known.insert(note.id.clone(), note)),
                TokenChange::Revoked => drop(self.known.remove(&note.id)),
            }
        }
        self.known.retain(|_, known| known.expires > now);
        Ok(())
    }
}

fn note(token: &Token, change: TokenChange, by: Option<&str>) -> TokenNote {
    let (id, scope) = (token.id.clone(), token.scope.to_string());
    TokenNote { id, change, scope, expires: token.expires, by: by.or(token.by.as_deref()).unwrap_or(NOBODY).to_owned() }
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Register")
    }
}

#[cfg(test)]
#[path = "../tests/unit/register.rs"]
mod tests;
