//! Labels: what was laid over the ordinary work and which rule should find it, separate from the records.

use countersign_model::Account;
use serde::Serialize;

use crate::cloudtrail::Call;
use crate::cloudtrail::caller::Caller;
use crate::estate::domain::Principal;
use crate::estate::org::Member;
use crate::okta::Act;
use crate::plan::Plan;
use crate::windows::Audit;

/// One attack or burst as it was laid into the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Label {
    /// The attack's or the burst's id.
    pub name: &'static str,
    /// Whether it is an attack; a burst is benign.
    pub attack: bool,
    /// The account that acts, or the one whose credential is misused.
    pub account: Account,
    /// Ids of the events that are part of it, in order; only what it added, not the ordinary work around it.
    pub events: Vec<String>,
    /// What should be found. Empty for a benign burst.
    pub expected: Vec<Expected>,
    /// Rules that may find something here without being wrong, by name: a benign burst can do what an attack does, and
    /// then the gate must hold back.
    pub tolerated: Vec<&'static str>,
}

/// One expectation of a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// The shipped rule's name, without its publisher.
    pub rule: &'static str,
    /// The events of which it should find some or all.
    pub events: Vec<String>,
    /// How many of them.
    pub how_many: HowMany,
}

/// How many of an expectation's events a rule should find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HowMany {
    /// One finding each.
    Each,
    /// One finding at least, over all of them.
    AtLeastOne,
}

/// Writes the records of one label: makes calls and remembers which.
pub(crate) struct Story<'s, 'a> {
    pub(crate) plan: &'s mut Plan<'a>,
    pub(crate) label: Label,
}

impl<'s, 'a> Story<'s, 'a> {
    pub(crate) fn new(plan: &'s mut Plan<'a>, name: &'static str, attack: bool) -> Story<'s, 'a> {
        let label = Label {
            name,
            attack,
            account: Account::new("aws", "", ""),
            events: Vec::new(),
            expected: Vec::new(),
            tolerated: Vec::new(),
        };
        Story { plan, label }
    }

    /// Sets the account that the story is about.
    pub(crate) fn about(&mut self, caller: &Caller) {
        let tenant = &self.plan.estate.account(caller.account).id;
        self.label.account = Account::new("aws", tenant, &caller.subject);
    }

    /// Sets the member of the org that the story is about.
    pub(crate) fn about_member(&mut self, member: &Member) {
        self.label.account = member.account();
    }

    /// Sets the account of the domain that the story is about.
    pub(crate) fn about_principal(&mut self, who: &Principal) {
        self.label.account = self.plan.estate.domain.account(who);
    }

    /// Makes a call that is part of the story, then lets 1 to 8 seconds pass.
    pub(crate) fn make(&mut self, caller: &Caller, call: &Call) -> String {
        let id = self.plan.make(caller, call);
        self.label.events.push(id.clone());
        self.plan.pause(1_000, 8_000);
        id
    }

    /// Logs an act in the org that is part of the story, then lets 1 to 8 seconds pass.
    pub(crate) fn log(&mut self, act: &Act) -> String {
        let id = self.plan.log(act);
        self.label.events.push(id.clone());
        self.plan.pause(1_000, 8_000);
        id
    }

    /// Writes an audit that is part of the story, then lets 100 to 900 milliseconds pass.
    pub(crate) fn audit(&mut self, audit: &Audit) -> String {
        let id = self.plan.audit(audit);
        self.label.events.push(id.clone());
        self.plan.pause(100, 900);
        id
    }

    /// Makes a denied call that is part of the story, then lets 200 to 900 milliseconds pass.
    pub(crate) fn make_denied(&mut self, caller: &Caller, call: Call) -> String {
        let id = self.plan.make_denied(caller, call);
        self.label.events.push(id.clone());
        self.plan.pause(200, 900);
        id
    }

    /// One finding for each of these events should come from `rule`.
    pub(crate) fn expect_each(&mut self, rule: &'static str, events: Vec<String>) {
        self.label.expected.push(Expected { rule, events, how_many: HowMany::Each });
    }

    /// At least one of these events should be found by `rule`.
    pub(crate) fn expect_one(&mut self, rule: &'static str, events: Vec<String>) {
        self.label.expected.push(Expected { rule, events, how_many: HowMany::AtLeastOne });
    }
}
