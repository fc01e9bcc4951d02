//! Evidence that records name: read as far as it can be, with why not where it can't.

use std::io::BufRead;

use countersign_audit::VerifyError;
use countersign_audit::record::{FindingRecord, Header, ResponseReference};
use countersign_casework::bundle::{FindingBundle, ResponseBundle};
use countersign_declaration::{Ceilings, Declaration};
use countersign_gate::GateInputs;
use countersign_model::{Digest, DigestKey};
use countersign_recompute::RecomputeError;
use countersign_store::AuditLog;

use crate::intake;

/// What a blob holds, or in words why it can't be read.
pub(super) type Read<T> = Result<T, String>;

/// The evidence of a log.
pub(super) struct Evidence<'l> {
    log: &'l AuditLog,
    key: DigestKey,
    /// Why the key isn't the log's.
    wrong_key: Option<String>,
}

impl<'l> Evidence<'l> {
    /// Of a log, under the key that was given.
    pub(super) fn new(log: &'l AuditLog, key: DigestKey) -> Evidence<'l> {
        Evidence { log, key, wrong_key: None }
    }

    /// Compares the key with that of the log's header.
    pub(super) fn check_key(&mut self, header: &Header) {
        let wrong = header.digest_key != self.key.fingerprint();
        let error = RecomputeError::WrongKey { private: header.private, given: !self.key.is_public() };
        self.wrong_key = wrong.then(|| error.to_string());
    }

    /// A blob's bytes.
    pub(super) fn blob(&self, name: &Digest) -> Read<Vec<u8>> {
        match &self.wrong_key {
            Some(why) => Err(why.clone()),
            None => self.log.blob(name, &self.key).map_err(|error| error.to_string()),
        }
    }

    /// Checks every blob that the records of some lines name, and returns how many there are; in words why nothing can be
    /// checked.
    pub(super) fn verify(&self, lines: impl BufRead) -> Read<Result<u64, VerifyError>> {
        match &self.wrong_key {
            Some(why) => Err(why.clone()),
            None => Ok(self.log.verify_blobs(lines, &self.key)),
        }
    }

    /// The evidence of a finding.
    pub(super) fn finding(&self, record: &FindingRecord) -> Read<FindingBundle> {
        FindingBundle::read(record, |name| self.blob(name)).map_err(|error| error.to_string())
    }

    /// The bundle of a response rule's call.
    pub(super) fn response(&self, response: &ResponseReference) -> Read<ResponseBundle> {
        ResponseBundle::read(&self.blob(&response.bundle)?)
            .map_err(|error| format!("the bundle of `{}`: {error}", response.rule.id))
    }

    /// The gate's inputs.
    pub(super) fn inputs(&self, name: &Digest) -> Read<GateInputs> {
        GateInputs::read(&self.blob(name)?).map_err(|error| format!("the gate's inputs: {error}"))
    }

    /// What a component declares.
    pub(super) fn declaration(&self, component: &Digest) -> Read<Declaration> {
        let intake = intake::standing().map_err(|error| error.to_string())?;
        match intake.admit(&self.blob(component)?, &Ceilings::default()) {
            Ok(admitted) => Ok(admitted.declaration().clone()),
            Err(_) => Err("this version doesn't admit the rule's component".to_owned()),
        }
    }
}
