//! The tokens of a state folder: `tokens.json`, written whole and put in its place by a rename. The file is the truth: who
//! keeps it in memory looks before each use whether it is still the same, so that whatever process writes it, it holds at
//! once.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use countersign_daemon::Host;
use countersign_model::Timestamp;
use countersign_model::time::format_duration;
use serde::{Deserialize, Serialize};

use crate::register::Register;
use crate::token::{NewToken, Scope, Token};

/// The file.
const FILE: &str = "tokens.json";

/// The most tokens.
const MAX_TOKENS: usize = 1_000;

/// The most bytes of the file.
const MAX_FILE: u64 = 1 << 20;

/// How long a token is valid at least, microseconds.
pub const SHORTEST: i64 = 60 * 1_000_000;

/// How long a token is valid where nobody says, microseconds.
pub const DEFAULT: i64 = 90 * 86_400 * 1_000_000;

/// How long a token is valid at most, microseconds: who sends for longer gets a new one each year.
pub const LONGEST: i64 = 366 * 86_400 * 1_000_000;

/// Why tokens can't be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// Their file can't be used.
    #[error("can't use `{}`: {error}", countersign_text::path(path))]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// There are too many.
    #[error("expected at most {MAX_TOKENS} tokens, got more: `countersign token revoke` those that nobody uses")]
    TooMany,
    /// The record can't be read, or what became of them isn't on it.
    #[error("tokens can't be changed while that isn't on record: {0}")]
    NotOnRecord(String),
    /// The time isn't one of a token's.
    #[error("expected a time of {} to {}, got another", format_duration(SHORTEST), format_duration(LONGEST))]
    Time,
}

/// The tokens of a host.
#[derive(Debug)]
pub struct Tokens {
    folder: PathBuf,
    clock: fn() -> Timestamp,
    /// The latest time that the clock has shown.
    latest: AtomicI64,
    kept: Mutex<Kept>,
    /// Where a host serves: what is on record of them.
    register: Mutex<Option<Register>>,
}

/// What was read, and of which file.
#[derive(Debug, Default)]
struct Kept {
    file: Option<Seen>,
    tokens: Vec<Token>,
    /// Whether they aren't on record as they are.
    unrecorded: bool,
}

/// What tells a file from the one that takes its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen(u64, u64, i64, i64, u64);

impl Seen {
    fn of(metadata: &Metadata) -> Seen {
        Seen(metadata.dev(), metadata.ino(), metadata.ctime(), metadata.ctime_nsec(), metadata.len())
    }
}

/// The file's content.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    tokens: Vec<Token>,
}

impl Tokens {
    /// The tokens of a state folder, of which there may be none yet. `clock` is the system's, which may be set back.
    ///
    /// # Errors
    /// When their file can't be used.
    pub fn open(state: &Path, clock: fn() -> Timestamp) -> Result<Tokens, TokensError> {
        let tokens = Tokens {
            folder: state.to_owned(),
            clock,
            latest: AtomicI64::new(i64::MIN),
            kept: Mutex::default(),
            register: Mutex::default(),
        };
        tokens.list()?;
        Ok(tokens)
    }

    /// Has what becomes of them stand on record, from how they are now on: those that were made or revoked while no host
    /// served too. Once it has been called it does nothing.
    ///
    /// # Errors
    /// When it can't be read or isn't on record.
    pub fn register(&self, host: &Host) -> Result<(), TokensError> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        if register.is_some() {
            return Ok(());
        }
        let tokens = self.list()?;
        register.insert(Register::read(host)?).agree(&tokens, self.now(), None)
    }

    /// Puts on record how they are, if a host serves.
    fn agree(&self, tokens: &[Token], by: Option<&str>) -> Result<(), TokensError> {
        let mut register = self.register.lock().unwrap_or_else(PoisonError::into_inner);
        register.as_mut().map_or(Ok(()), |register| register.agree(tokens, self.now(), by))
    }

    /// The time by which tokens expire. It never goes back: one that has expired isn't valid again.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let shown = (self.clock)().0;
        Timestamp(self.latest.fetch_max(shown, Ordering::Relaxed).max(shown))
    }

    /// All of them, those that have expired too, in the order in which they were made.
    ///
    /// # Errors
    /// When their file can't be used.
    pub fn list(&self) -> Result<Vec<Token>, TokensError> {
        self.with(|tokens| tokens.to_vec())
    }

    /// What a token is for, if it is one, and valid. Where the file can't be used none is.
    pub(crate) fn check(&self, text: &str) -> Option<Scope> {
        let (id, secret) = Token::parts(text)?;
        let now = self.now();
        let find = |tokens: &[Token]| {
            let known = tokens.iter().find(|token| token.id == id)?;
            (known.has(secret) && !known.is_expired(now)).then(|| known.scope.clone())
        };
        self.with(find).unwrap_or_else(|error| {
            tracing::error!("no token counts: {error}");
            None
        })
    }

    /// Makes a token that is valid for so long, microseconds. Those that have expired are forgotten. Where a host serves it is on
    /// record before it counts; `by` says who wants it.
    ///
    /// # Errors
    /// When the time isn't one of a token's, there are too many, or the file can't be written.
    pub fn create(&self, scope: Scope, lasts: i64, by: &str) -> Result<NewToken, TokensError> {
        if !(SHORTEST..=LONGEST).contains(&lasts) {
            return Err(TokensError::Time);
        }
        let now = self.now();
        let made =
            Token::make(scope, now, Timestamp(now.0.saturating_add(lasts)), by).map_err(|error| self.failed(error))?;
        self.change(|tokens| {
            tokens.retain(|token| !token.is_expired(now));
            if tokens.len() >= MAX_TOKENS {
                return Err(TokensError::TooMany);
            }
            tokens.push(made.token.clone());
            // INVARIANT: no token counts that isn't on record.
            self.agree(tokens, Some(by))
        })?;
        Ok(made)
    }

    /// Revokes a token. Whether there was one of this id. `by` says who wants it.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn revoke(&self, id: &str, by: &str) -> Result<bool, TokensError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.id != id);
            // Nobody is kept from revoking by a recorder that is full or fails: it is put on record once that works.
            if let Err(error) = self.agree(tokens, Some(by)) {
                tracing::error!("that token {id} was revoked by {by} isn't on record yet: {error}");
            }
            Ok(tokens.len() < before)
        })
    }

    fn path(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    fn failed(&self, error: io::Error) -> TokensError {
        TokensError::File { path: self.path(), error }
    }

    /// Works on what the file has now.
    fn with<T>(&self, work: impl FnOnce(&[Token]) -> T) -> Result<T, TokensError> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match self.path().symlink_metadata() {
            Ok(metadata) => Some(Seen::of(&metadata)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(self.failed(error)),
        };
        if file != kept.file {
            *kept = self.read().map_err(|error| self.failed(error))?;
            kept.unrecorded = true;
        }
        // Whoever changed the file. Who registers asks while holding the register, and compares then.
        if kept.unrecorded
            && let Ok(mut register) = self.register.try_lock()
            && let Some(register) = register.as_mut()
        {
            let agreed = register.agree(&kept.tokens, self.now(), None);
            kept.unrecorded = agreed.inspect_err(|error| tracing::error!("{error}")).is_err();
        }
        Ok(work(&kept.tokens))
    }

    fn read(&self) -> io::Result<Kept> {
        // Who could write it could let anybody in.
        countersign_private::tighten(&self.path())?;
        let file = match countersign_private::read(&self.path()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Kept::default()),
            Err(error) => return Err(error),
        };
        let seen = Seen::of(&file.metadata()?);
        let mut bytes = Vec::new();
        #[expect(clippy::disallowed_methods, reason = "limited by `take`; what is cut off is no JSON")]
        file.take(MAX_FILE).read_to_end(&mut bytes)?;
        let written: Written = serde_json::from_slice(&bytes)?;
        if written.version != 1 {
            return Err(io::Error::other(format!("expected version 1, got {}", written.version)));
        }
        Ok(Kept { file: Some(seen), tokens: written.tokens, unrecorded: true })
    }

    /// Changes what the file has, as the only process that does.
    fn change<T>(&self, work: impl FnOnce(&mut Vec<Token>) -> Result<T, TokensError>) -> Result<T, TokensError> {
        let failed = |error| self.failed(error);
        let folder = File::open(&self.folder).map_err(failed)?;
        folder.lock().map_err(failed)?;
        let mut tokens = self.list()?;
        let done = work(&mut tokens)?;
        let text = serde_json::to_vec_pretty(&Written { version: 1, tokens }).map_err(|error| failed(error.into()))?;
        countersign_private::replace(&self.path(), &text).map_err(failed)?;
        Ok(done)
    }
}

#[cfg(test)]
#[path = "../tests/unit/tokens.rs"]
mod tests;
