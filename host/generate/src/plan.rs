//! Where calls, acts and audits become records with a time: used by ordinary work, attacks and bursts alike.

use countersign_model::Timestamp;

use crate::cloudtrail::caller::Caller;
use crate::cloudtrail::{Call, record};
use crate::estate::Estate;
use crate::okta::{self, Act};
use crate::random::Random;
use crate::windows::{self, Audit};

/// A record that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Planned {
    /// When it happened; its fraction of a second isn't in the record.
    pub(crate) time: Timestamp,
    pub(crate) event_id: String,
    pub(crate) line: String,
}

/// A pen that writes calls down one after the other.
pub(crate) struct Plan<'a> {
    pub(crate) estate: &'a Estate,
    pub(crate) random: &'a mut Random,
    /// The time of the next call.
    pub(crate) now: Timestamp,
    pub(crate) out: Vec<Planned>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(estate: &'a Estate, random: &'a mut Random, now: Timestamp) -> Plan<'a> {
        Plan { estate, random, now, out: Vec::new() }
    }

    /// Lets time pass: from `low` to `high` milliseconds.
    pub(crate) fn pause(&mut self, low: u64, high: u64) {
        let millis = i64::try_from(self.random.between(low, high)).unwrap_or(0);
        self.now = self.now.plus_micros(millis.saturating_mul(1000));
    }

    /// Makes a call now; its event id.
    pub(crate) fn make(&mut self, caller: &Caller, call: &Call) -> String {
        let account = self.estate.account(caller.account);
        let (event_id, line) = record(self.random, self.now, account, caller, call);
        self.put(event_id, line)
    }

    /// Logs an act in the org now; its event id.
    pub(crate) fn log(&mut self, act: &Act) -> String {
        let (event_id, line) = okta::record(self.random, self.now, act);
        self.put(event_id, line)
    }

    /// Writes an audit into a machine's channel now; its event id.
    pub(crate) fn audit(&mut self, audit: &Audit) -> String {
        let (event_id, line) = windows::record(self.now, self.random.between(1, 1 << 40), audit);
        self.put(event_id, line)
    }

    fn put(&mut self, event_id: String, line: String) -> String {
        self.out.push(Planned { time: self.now, event_id: event_id.clone(), line });
        event_id
    }

    /// Makes a call that is refused for want of rights; its event id.
    pub(crate) fn make_denied(&mut self, caller: &Caller, call: Call) -> String {
        let call = call.denied(self.random, caller);
        self.make(caller, &call)
    }
}
