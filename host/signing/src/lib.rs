//! Keys, and what is signed with them: in-toto statements in DSSE envelopes. A publisher's ties a rule's digests to a key,
//! and is kept in a section of the component; a host's says how far its audit log had come. No decision is made here: whom to
//! believe is up to the operator.

mod checkpoint;
mod envelope;
mod key;
mod key_file;
mod proof;
mod statement;

pub use checkpoint::Checkpoint;
pub use envelope::{Envelope, EnvelopeError, MAX_ENVELOPE_BYTES, MAX_SIGNATURES};
pub use key::{KeyError, PublicKey, SecretKey};
pub use key_file::KeyFileError;
pub use proof::{Proof, ProofError};
pub use statement::{Signed, Statement, StatementError};
