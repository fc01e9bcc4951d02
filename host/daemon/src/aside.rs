//! A session beside the one of the host, on a store of its own: it is given what is recorded, and nobody hears of what comes of
//! it unless its observer does.

use countersign_model::SourceId;
use countersign_recorder::{HostInputKind, RecordedBatch, RecordedHostInput, RecorderError};
use countersign_session::{Input, Observer, Session, SessionError, SessionOptions};
use countersign_store::{Store, StoreError};

use crate::decoders::Decoders;
use crate::judge::{patience, standing};
use crate::material::Built;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AsideError {
    #[error(transparent)]
    Recorder(#[from] RecorderError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("expected rules to have kept at most {0} MiB, got more")]
    TooLarge(u64),
    #[error("they didn't catch up within {0} s")]
    TooSlow(u64),
    #[error("it was interrupted")]
    Interrupted,
}

/// A session with the decoders of its generation's sources.
pub(crate) struct Aside<'s> {
    pub(crate) session: Session<'s>,
    decoders: Decoders,
}

impl<'s> Aside<'s> {
    /// Goes on with what a store has.
    pub(crate) fn resume(
        built: &Built,
        options: &SessionOptions,
        store: &'s mut dyn Store,
        observer: &'s mut dyn Observer,
    ) -> Result<Aside<'s>, AsideError> {
        let options = SessionOptions { patience: patience(&built.sources), ..options.clone() };
        let session = Session::resume(store, std::sync::Arc::clone(&built.generation), options, observer)?;
        let decoders = Decoders::new(built.sources.clone(), session.processed());
        Ok(Aside { session, decoders })
    }

    /// Takes a batch after its first so many records.
    pub(crate) fn take(&mut self, batch: &RecordedBatch, name: &SourceId, after: u32) -> Result<(), AsideError> {
        let Aside { session, decoders } = self;
        Ok(decoders.for_each(batch, name, after, |_, arrival| session.push(Input::Record(arrival)))?)
    }

    /// Takes time that passed, or how a source stood. Which generation served then doesn't matter to it.
    pub(crate) fn pass(&mut self, input: &RecordedHostInput) -> Result<(), AsideError> {
        match input.kind {
            HostInputKind::Time => self.session.push(Input::Time(input.time()))?,
            HostInputKind::Source => {
                standing(input).map_or(Ok(()), |standing| self.session.push(Input::Source(standing)))?;
            }
            HostInputKind::Generation | HostInputKind::Note | HostInputKind::Word | HostInputKind::Outcome => {}
        }
        Ok(())
    }
}
