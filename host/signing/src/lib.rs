//! Publishers' keys, and the signed statement that ties a rule's digests to one: an in-toto statement in a DSSE
//! envelope, which is kept in a section of the component. No decision is made here: whom to believe is up to the
//! operator's `trust.toml`.

mod envelope;
mod key;
mod key_file;
mod proof;
mod statement;

pub use envelope::{Envelope, EnvelopeError, MAX_ENVELOPE_BYTES, MAX_SIGNATURES};
pub use key::{KeyError, PublicKey, SecretKey};
pub use key_file::KeyFileError;
pub use proof::{Proof, ProofError};
pub use statement::{Statement, StatementError};
