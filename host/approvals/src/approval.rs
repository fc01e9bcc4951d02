//! One approval: a card, who said what, and what became of it.

use std::collections::BTreeSet;

use countersign_model::vocabulary::text_ids;
use countersign_model::{Digest, Timestamp};
use countersign_policy::PersonRole;
use serde::{Deserialize, Serialize};

use crate::answer::{Answer, AnswerError, Signed, Word};
use crate::card::{Card, Change, Evidence};
use crate::electorate::{Bar, Electorate};
use crate::terms::{Meanwhile, Terms};

/// Evidence that came after a card was made and is kept beside it.
const MAX_ADDED: usize = 64;

text_ids! {
    /// How an approval stands. All but the first are final.
    pub enum State {
        /// Answers are waited for.
        Pending = "pending",
        /// As many people approved as must.
        Approved = "approved",
        /// Somebody denied it.
        Denied = "denied",
        /// Nobody answered in time.
        Expired = "expired",
        /// What was asked isn't what would be done any more: another card may ask for that.
        Superseded = "superseded",
        /// Nothing is asked any more.
        Withdrawn = "withdrawn",
    }
}

/// What a person said that counted when it was said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vote {
    /// The person's identity.
    pub identity: String,
    /// The fingerprint of the key.
    pub key: String,
    /// What the person said.
    pub answer: Answer,
    /// Why.
    pub reason: String,
    /// When it was taken, by the gate's clock.
    pub at: Timestamp,
}

text_ids! {
    /// Why an answer doesn't count. The codes are stable.
    pub enum RefusalCode {
        /// It is no person's signed statement.
        NotAnAnswer = "not-an-answer",
        /// It answers another host.
        OtherHost = "other-host",
        /// It answers another card.
        OtherCard = "other-card",
        /// The card has expired.
        Expired = "expired",
        /// The card is answered, or isn't asked any more.
        NotPending = "not-pending",
        /// The person doesn't have the role.
        NoRole = "no-role",
        /// The person has approved it already, if with another key.
        AnsweredBefore = "answered-before",
        /// The person has a part in it.
        Barred = "barred",
    }
}

/// One reason why an answer doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The stable code.
    pub code: RefusalCode,
    /// In plain words.
    pub detail: String,
}

/// What came of an input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing.
    Nothing,
    /// The answer counts; so many more approvals are needed.
    Counted(u8),
    /// The answer doesn't count, for all these reasons.
    Refused(Vec<Refusal>),
    /// People of another role may answer too from here on, and this holds meanwhile.
    Escalated(PersonRole, Meanwhile),
    /// It has ended. What is still to be done is for the gate to say.
    Ended(State),
}

/// A card that was asked, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    card: Card,
    terms: Terms,
    asked: Timestamp,
    state: State,
    escalated: bool,
    votes: Vec<Vote>,
    /// Evidence that came after the card was made, shown beside it.
    added: Vec<Evidence>,
    /// Why it was superseded or withdrawn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Approval {
    /// Asks.
    #[must_use]
    pub fn ask(card: Card, terms: Terms, now: Timestamp) -> Approval {
        Approval {
            card,
            terms,
            asked: now,
            state: State::Pending,
            escalated: false,
            votes: Vec::new(),
            added: Vec::new(),
            why: None,
        }
    }

    /// The card.
    #[must_use]
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> State {
        self.state
    }

    /// When it was asked.
    #[must_use]
    pub fn asked(&self) -> Timestamp {
        self.asked
    }

    /// What was said that counted then, oldest first.
    #[must_use]
    pub fn votes(&self) -> &[Vote] {
        &self.votes
    }

    /// Evidence that came after the card was made.
    #[must_use]
    pub fn added(&self) -> &[Evidence] {
        &self.added
    }

    /// Why it was superseded or withdrawn.
    #[must_use]
    pub fn why(&self) -> Option<&str> {
        self.why.as_deref()
    }

    /// Who may answer now.
    #[must_use]
    pub fn roles(&self) -> Vec<PersonRole> {
        let escalated = self.terms.escalation.iter().filter(|_| self.escalated).map(|escalation| escalation.role);
        std::iter::once(self.terms.role).chain(escalated).collect()
    }

    /// How many must approve who haven't, counted as of now.
    #[must_use]
    pub fn missing(&self, electorate: &Electorate<'_>) -> u8 {
        let approvals: BTreeSet<&str> = self.standing_votes(electorate).collect();
        let approvals = u8::try_from(approvals.len()).unwrap_or(u8::MAX);
        self.terms.needed.max(1).saturating_sub(approvals)
    }

    /// Takes a person's answer. All reasons why it doesn't count are given at once.
    pub fn answer(&mut self, signed: &Signed, electorate: &Electorate<'_>, now: Timestamp) -> Outcome {
        if self.state == State::Pending && now >= self.card.expires {
            self.end(State::Expired, None);
        }
        let word = match signed.check(electorate.persons) {
            Ok(word) => word,
            Err(error) => return Outcome::Refused(vec![not_an_answer(&error)]),
        };
        let refusals = self.refusals(&word, electorate);
        if !refusals.is_empty() {
            return Outcome::Refused(refusals);
        }
        let Word { statement, identity, key } = word;
        let answer = statement.answer;
        self.votes.push(Vote { identity, key, answer, reason: statement.reason, at: now });
        match answer {
            Answer::Deny => self.end(State::Denied, None),
            Answer::Approve => self.count(electorate),
        }
    }

    /// Time passes: it escalates, or expires.
    pub fn pass(&mut self, now: Timestamp) -> Outcome {
        if self.state != State::Pending {
            return Outcome::Nothing;
        }
        if now >= self.card.expires {
            return self.end(State::Expired, None);
        }
        match &self.terms.escalation {
            Some(escalation)
                if !self.escalated && now >= self.asked.plus_micros(i64::from(escalation.after) * 1_000_000) =>
            {
                self.escalated = true;
                Outcome::Escalated(escalation.role, escalation.meanwhile)
            }
            _ => Outcome::Nothing,
        }
    }

    /// The evidence is this now. What was withdrawn or weakened ends it, what was added is shown.
    pub fn evidence(&mut self, now: &[Evidence]) -> Outcome {
        if self.state != State::Pending {
            return Outcome::Nothing;
        }
        match self.card.compare(now) {
            Change::Holds => {
                self.added.clear();
                self.add(now);
                Outcome::Nothing
            }
            Change::Weakened(weakened) => {
                let events: Vec<&str> = weakened.iter().map(|one| one.event.as_str()).take(5).collect();
                self.end(State::Superseded, Some(format!("evidence was withdrawn or weakened: {}", events.join(", "))))
            }
        }
    }

    /// There is more evidence.
    pub(crate) fn add(&mut self, more: &[Evidence]) {
        for one in more {
            if self.state == State::Pending && !self.card.evidence.contains(one) && !self.added.contains(one) {
                self.added.push(one.clone());
            }
        }
        // What comes last is shown: of a flood the first and the last tell most, and the first are on the card.
        let surplus = self.added.len().saturating_sub(MAX_ADDED);
        self.added.drain(..surplus);
    }

    /// What it asks for isn't what would be done any more.
    pub fn supersede(&mut self, why: String) -> Outcome {
        if self.state == State::Pending { self.end(State::Superseded, Some(why)) } else { Outcome::Nothing }
    }

    /// Nothing is asked any more.
    pub fn withdraw(&mut self, why: String) -> Outcome {
        if self.state == State::Pending { self.end(State::Withdrawn, Some(why)) } else { Outcome::Nothing }
    }

    fn end(&mut self, state: State, why: Option<String>) -> Outcome {
        (self.state, self.why) = (state, why);
        Outcome::Ended(state)
    }

    fn count(&mut self, electorate: &Electorate<'_>) -> Outcome {
        match self.missing(electorate) {
            0 => self.end(State::Approved, None),
            missing => Outcome::Counted(missing),
        }
    }

    /// The identities whose approvals still count: the people have their keys and roles, and no part in it.
    ///
    /// INVARIANT: it is asked again for each answer. An approver who is contained, or whose key is removed, while others
    /// are waited for doesn't count any more.
    fn standing_votes<'a>(&'a self, electorate: &'a Electorate<'_>) -> impl Iterator<Item = &'a str> {
        let roles = self.roles();
        self.votes.iter().filter(|vote| vote.answer == Answer::Approve).filter_map(move |vote| {
            let person = electorate.holder(&vote.identity, &vote.key)?;
            let may = electorate.has_role(person, &roles) && electorate.bars(&vote.identity).next().is_none();
            may.then_some(vote.identity.as_str())
        })
    }

    /// Every reason why an answer doesn't count.
    fn refusals(&self, word: &Word, electorate: &Electorate<'_>) -> Vec<Refusal> {
        let Word { statement, identity, .. } = word;
        let mut refusals = Vec::new();
        let mut refuse = |code, detail: String| refusals.push(Refusal { code, detail });
        if statement.host != self.card.host {
            refuse(
                RefusalCode::OtherHost,
                format!("expected an answer to host {}, got one to {}", self.card.host, statement.host),
            );
        }
        let digest: Digest = self.card.digest();
        if (statement.approval, statement.card, statement.expires) != (self.card.approval, digest, self.card.expires) {
            let detail = format!(
                "expected an answer to card {} ({digest}), got one to card {} ({})",
                self.card.approval, statement.approval, statement.card
            );
            refuse(RefusalCode::OtherCard, detail);
        }
        match self.state {
            State::Pending => {}
            State::Expired => refuse(RefusalCode::Expired, format!("it expired at {}", self.card.expires)),
            ended => refuse(RefusalCode::NotPending, format!("it is {ended} already")),
        }
        let roles = self.roles();
        let person = electorate.persons.iter().find(|person| person.identity == *identity);
        if !person.is_some_and(|person| electorate.has_role(person, &roles)) {
            let names: Vec<&str> = roles.iter().map(|role| role.id()).collect();
            refuse(
                RefusalCode::NoRole,
                format!("expected a person with role {}, {identity} has none", names.join(" or ")),
            );
        }
        let before = self.standing_votes(electorate).any(|known| known == identity);
        if before && statement.answer == Answer::Approve && self.state == State::Pending {
            refuse(RefusalCode::AnsweredBefore, format!("{identity} has approved it already"));
        }
        for bar in electorate.bars(identity) {
            refuse(RefusalCode::Barred, barred(identity, bar));
        }
        refusals
    }
}

fn not_an_answer(error: &AnswerError) -> Refusal {
    Refusal { code: RefusalCode::NotAnAnswer, detail: error.to_string() }
}

fn barred(identity: &str, bar: Bar) -> String {
    match bar {
        Bar::Subject => format!("it is about an account of {identity}"),
        Bar::InIncident => format!("an account of {identity} is in the incident"),
        Bar::RuleOwner => format!("{identity} owns a rule that found or proposes it"),
        Bar::AppliedGeneration => format!("{identity} applied the generation that raised it"),
        Bar::Contained => format!("an account of {identity} is contained"),
    }
}

#[cfg(test)]
#[path = "../tests/unit/approval.rs"]
mod tests;
