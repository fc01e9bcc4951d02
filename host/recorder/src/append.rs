//! What is appended.

use countersign_inputs::Batch;
use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, SourceId};

/// Batches of a source that become durable together, with all that must be known when they are.
#[derive(Debug)]
pub struct Append {
    /// The source.
    pub source: SourceId,
    /// The batches, in their order; none where only bookmarks change.
    pub batches: Vec<Batch>,
    /// Where the source's inputs go on afterwards; none forgets an input.
    pub bookmarks: Vec<(String, Option<String>)>,
    /// By what the sender recognises these batches.
    pub idempotency: Option<Idempotency>,
}

/// A sender's own key of what it sends (the header `Idempotency-Key`).
#[derive(Clone, Debug)]
pub struct Idempotency {
    /// The key.
    pub key: String,
    /// The digest of what was sent.
    pub content: Digest,
    /// What the sender is answered, now and when it sends it again.
    pub answer: Vec<u8>,
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// It is durable.
    Recorded {
        /// The last batch that was appended so far, of any source.
        last: u64,
    },
    /// It came before under the same key. Nothing was recorded again.
    Before {
        /// What the sender was answered then.
        answer: Vec<u8>,
    },
}

text_ids! {
    /// What an input of the host's own is.
    pub enum HostInputKind {
        /// Time passed. The payload is the time, as RFC 3339 text.
        Time = "time",
        /// A generation serves from here on. The payload is JSON of the host's.
        Generation = "generation",
        /// A person's word. The payload is JSON of the host's.
        Word = "word",
        /// What a connector reported. The payload is JSON of the host's.
        Outcome = "outcome",
        /// A source stands otherwise. The payload is a `SourceStanding` of the model as JSON.
        Source = "source",
        /// The host says something of itself. The payload is a `HostNote` of the model as JSON.
        Note = "note",
    }
}

/// An input of the host's own.
#[derive(Debug)]
pub struct NewHostInput {
    /// What it is.
    pub kind: HostInputKind,
    /// What it says.
    pub payload: Vec<u8>,
    /// What of its kind it is about; an earlier one about the same isn't needed once what came since can't be judged again.
    pub about: Option<String>,
    /// What it names by digest.
    pub contents: Vec<NewContent>,
    /// The batch before which it is taken; none while it waits for its turn.
    pub before: Option<u64>,
}

/// What a host input names by digest.
#[derive(Debug)]
pub struct NewContent {
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether it is needed as long as its input is on record; else only to judge again what came after it.
    pub lasts: bool,
}
