//! Which rules are stopped where, by the records: that they missed a deadline can't be made again.

use std::collections::BTreeMap;

use countersign_audit::record::{Readmitted, RuleStopped};
use countersign_model::{Digest, HeldRows, RuleId, SourceId};

/// The rules that are stopped at a place of the log.
#[derive(Default)]
pub(crate) struct Stops {
    /// With the code that missed the deadline; without a source for all sources, as files of format 3 and earlier have it.
    stopped: BTreeMap<(RuleId, Option<SourceId>), Digest>,
}

impl Stops {
    /// A rule of this code is stopped.
    pub(crate) fn stop(&mut self, record: RuleStopped, code: Digest) {
        self.stopped.insert((record.rule, record.source), code);
    }

    /// Rows reach a rule again.
    pub(crate) fn readmit(&mut self, record: Readmitted) {
        if record.rows == HeldRows::All {
            self.stopped.remove(&(record.rule, Some(record.source)));
        }
    }

    /// A generation takes effect: rules that have other code in it are called again.
    pub(crate) fn renew(&mut self, code: impl Fn(&RuleId) -> Option<Digest>) {
        self.stopped.retain(|(rule, _), stopped| code(rule).is_none_or(|code| code == *stopped));
    }

    /// Whether a rule isn't called about findings in rows of a source.
    pub(crate) fn has(&self, rule: &RuleId, source: Option<&SourceId>) -> bool {
        let stopped = |source: Option<SourceId>| self.stopped.contains_key(&(rule.clone(), source));
        stopped(None) || source.is_some_and(|source| stopped(Some(source.clone())))
    }
}
