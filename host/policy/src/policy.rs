//! `policy.toml`: its words as types, how it is read, and its canonical form.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use countersign_document::Diagnostic;
use countersign_model::vocabulary::{Action, IdentityType, SignalClass, Tier, text_ids};
use countersign_model::{RuleId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::axis::Axis;
use crate::compile::Compiled;
use crate::limits::OperatorLimits;
use crate::trust::Trust;

mod canonical;
mod read;

/// How old evidence may be for automatic containment where a cell has no `max-age`: 15 minutes, in microseconds.
pub const DEFAULT_MAX_AGE: i64 = 15 * 60 * 1_000_000;

text_ids! {
    /// A policy's answers, from permissive to strict.
    pub enum Answer {
        /// May be done without asking.
        Automatic = "automatic",
        /// A person must agree.
        Approval = "approval",
        /// Not done.
        Never = "never",
    }
}

/// The last day on which an automatic cell applies before it must be reviewed, that day included: `YYYY-MM-DD`, UTC.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ReviewBy(String);

impl ReviewBy {
    /// Of a date `YYYY-MM-DD`; none if it isn't one.
    #[must_use]
    pub fn new(date: &str) -> Option<ReviewBy> {
        // Ten characters: years past 9999 and signs aren't dates that an operator means.
        let plain = date.len() == 10 && date.starts_with(|c: char| c.is_ascii_digit());
        (plain && start_of(date).is_some()).then(|| ReviewBy(date.to_owned()))
    }

    /// Whether the day is over.
    #[must_use]
    pub fn is_over(&self, clock: Timestamp) -> bool {
        const DAY: i64 = 86_400_000_000;
        start_of(&self.0).is_none_or(|start| clock >= start.plus_micros(DAY))
    }
}

fn start_of(date: &str) -> Option<Timestamp> {
    format!("{date}T00:00:00Z").parse().ok()
}

impl fmt::Display for ReviewBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ReviewBy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        ReviewBy::new(&text).ok_or_else(|| format!("expected a date `YYYY-MM-DD`, got `{text}`"))
    }
}

impl From<ReviewBy> for String {
    fn from(date: ReviewBy) -> String {
        date.0
    }
}

/// One `[[cell]]` as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Cell {
    /// Signal classes.
    pub class: Axis<SignalClass>,
    /// Identity types.
    #[serde(rename = "type")]
    pub identity_type: Axis<IdentityType>,
    /// Tiers.
    pub tier: Axis<Tier>,
    /// Actions.
    pub action: Axis<Action>,
    /// What it answers and under which conditions.
    #[serde(flatten)]
    pub outcome: CellOutcome,
}

/// What a cell answers, and under which conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CellOutcome {
    /// Its name in messages: `cell[3]`, its place among the file's cells from 0; `unset` where no cell covers.
    pub name: String,
    /// The answer.
    pub answer: Answer,
    /// The confidence that must be reached, 0–100.
    pub floor: u8,
    /// How old the evidence may be for automatic containment, microseconds.
    pub max_age: i64,
    /// Who is responsible for the cell; always set where it is automatic.
    pub owner: Option<String>,
    /// Why it may be automatic; always set where it is.
    pub evidence: Option<String>,
    /// Until when it may be automatic; always set where it is.
    pub review_by: Option<ReviewBy>,
}

impl CellOutcome {
    /// The outcome where no cell matches.
    #[must_use]
    pub fn unset() -> CellOutcome {
        CellOutcome {
            name: "unset".to_owned(),
            answer: Answer::Never,
            floor: 0,
            max_age: DEFAULT_MAX_AGE,
            owner: None,
            evidence: None,
            review_by: None,
        }
    }

    /// Whether no cell covers this.
    #[must_use]
    pub fn is_unset(&self) -> bool {
        self.name == "unset"
    }
}

/// One `[[response]]` as it is written: which response rules answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ResponseChoice {
    /// Signal classes.
    pub class: Axis<SignalClass>,
    /// Identity types.
    #[serde(rename = "type")]
    pub identity_type: Axis<IdentityType>,
    /// The rules, each once; an empty list lets none answer.
    pub rules: Vec<RuleId>,
}

/// One `[rule."publisher/name"]`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RuleSettings {
    /// Whether it is loaded.
    pub enabled: bool,
    /// Upper bound of its findings' confidence, 0–100.
    pub cap: u8,
    /// Parameters that the operator sets, by name, as `rule.toml` writes their defaults. [`Policy::parameters`] checks
    /// them against the rule's declaration.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Line of each parameter in the text, from 1; no part of the policy, so not in the canonical form.
    #[serde(skip)]
    pub(crate) lines: BTreeMap<String, usize>,
}

// Lines don't count: the same settings are equal wherever they are written.
impl PartialEq for RuleSettings {
    fn eq(&self, other: &Self) -> bool {
        (self.enabled, self.cap, &self.parameters) == (other.enabled, other.cap, &other.parameters)
    }
}

impl Default for RuleSettings {
    fn default() -> Self {
        RuleSettings { enabled: true, cap: 100, parameters: BTreeMap::new(), lines: BTreeMap::new() }
    }
}

/// One `[publisher.name]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PublisherSettings {
    /// Upper bound of the confidence of its rules' findings, 0–100.
    pub cap: u8,
    /// Whether its findings count each on its own in the combined confidence, instead of the publisher once.
    pub exempt_from_grouping: bool,
}

/// The operator's policy, read and compiled: every combination has its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    written: Written,
    compiled: Compiled,
}

/// The policy as it is written: what the canonical form holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Written {
    pub(crate) cells: Vec<Cell>,
    pub(crate) responses: Vec<ResponseChoice>,
    pub(crate) rules: BTreeMap<RuleId, RuleSettings>,
    pub(crate) publishers: BTreeMap<String, PublisherSettings>,
    pub(crate) limits: OperatorLimits,
}

impl Policy {
    /// Reads `policy.toml`.
    ///
    /// ```
    /// use countersign_model::vocabulary::{Action, IdentityType, SignalClass, Tier};
    /// use countersign_policy::{Answer, Policy};
    ///
    /// let policy = Policy::parse(
    ///     r#"
    ///     version = 1
    ///
    ///     [[cell]]
    ///     class = "token"
    ///     type = "human"
    ///     tier = "*"
    ///     action = "revoke-sessions"
    ///     answer = "approval"
    ///     floor = 50
    ///     "#,
    /// )
    /// .unwrap();
    /// let cell = policy.cell(SignalClass::Token, IdentityType::Human, Tier::High, Action::RevokeSessions);
    /// assert_eq!((cell.answer, cell.floor), (Answer::Approval, 50));
    ///
    /// let faults = Policy::parse("version = 1\n[limits]\nfule = 1").unwrap_err();
    /// assert_eq!(
    ///     faults[0].to_string(),
    ///     "line 3, limits.fule: expected a known key, got `fule` (did you mean `fuel`?)"
    /// );
    /// ```
    ///
    /// # Errors
    /// Every fault at once: unknown keys with the nearest known name, reserved tables, and cells of equal
    /// specificity that answer differently where both decide.
    pub fn parse(text: &str) -> Result<Policy, Vec<Diagnostic>> {
        read::policy(text, read::Grants::Elsewhere)
    }

    /// Reads a policy of a version before `trust.toml`, which held the grants too and asked for no proof: for records of
    /// that time.
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse_before_trust(text: &str) -> Result<(Policy, Trust), Vec<Diagnostic>> {
        let mut grants = BTreeMap::new();
        let policy = read::policy(text, read::Grants::Here(&mut grants))?;
        Ok((policy, Trust::before_proof(grants)))
    }

    /// The policy that ships.
    ///
    /// # Errors
    /// Never: a test reads it. The type is that of [`Policy::parse`].
    pub fn shipped() -> Result<Policy, Vec<Diagnostic>> {
        Policy::parse(crate::DEFAULT_POLICY)
    }

    pub(crate) fn compile(written: Written) -> Result<Policy, Vec<Diagnostic>> {
        let compiled = Compiled::new(&written.cells, &written.responses)?;
        Ok(Policy { written, compiled })
    }

    /// The outcome of a combination: that of the matching cell that names the most axes. Where no cell matches, an outcome
    /// for which [`CellOutcome::is_unset`] is true and whose answer is never.
    #[must_use]
    pub fn cell(&self, class: SignalClass, identity_type: IdentityType, tier: Tier, action: Action) -> &CellOutcome {
        match self.compiled.cell(class, identity_type, tier, action).and_then(|place| self.written.cells.get(place)) {
            Some(cell) => &cell.outcome,
            None => self.compiled.unset(),
        }
    }

    /// The response rules that policy names for a class and type; none where it leaves that open: then every loaded
    /// response rule answers whose declared classes match.
    #[must_use]
    pub fn responses(&self, class: SignalClass, identity_type: IdentityType) -> Option<&[RuleId]> {
        let place = self.compiled.response(class, identity_type)?;
        self.written.responses.get(place).map(|choice| choice.rules.as_slice())
    }

    /// The settings of `[rule."publisher/name"]`; none where there is no such table.
    #[must_use]
    pub fn rule(&self, rule: &RuleId) -> Option<&RuleSettings> {
        self.written.rules.get(rule)
    }

    /// Whether a rule is enabled.
    #[must_use]
    pub fn is_enabled(&self, rule: &RuleId) -> bool {
        self.rule(rule).is_none_or(|settings| settings.enabled)
    }

    /// The operator's cap on a rule's confidence: the lesser of the rule's and its publisher's, 100 where neither is set.
    #[must_use]
    pub fn cap(&self, rule: &RuleId) -> u8 {
        let own = self.rule(rule).map_or(100, |settings| settings.cap);
        own.min(self.publisher(rule.publisher()).map_or(100, |settings| settings.cap))
    }

    /// The settings of `[publisher.name]`; none where there is no such table.
    #[must_use]
    pub fn publisher(&self, publisher: &str) -> Option<&PublisherSettings> {
        self.written.publishers.get(publisher)
    }

    /// The rules that the policy names, in order of their ids: one that isn't loaded is worth a warning.
    pub fn named_rules(&self) -> impl Iterator<Item = &RuleId> {
        let chosen = self.written.responses.iter().flat_map(|choice| &choice.rules);
        self.written.rules.keys().chain(chosen).collect::<BTreeSet<_>>().into_iter()
    }

    /// The operator's limits.
    #[must_use]
    pub fn limits(&self) -> &OperatorLimits {
        &self.written.limits
    }

    /// The same policy with limits that are at most these.
    #[must_use]
    pub fn within(mut self, limits: &OperatorLimits) -> Policy {
        self.written.limits = self.written.limits.at_most(limits);
        self
    }

    /// The cells as they are written.
    #[must_use]
    pub fn cells(&self) -> &[Cell] {
        &self.written.cells
    }

    /// The policy in its one canonical form: RFC 8785 JSON with every default written out.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        canonical::write(&self.written)
    }

    /// Reads the canonical form back.
    ///
    /// # Errors
    /// When the bytes aren't a policy's canonical form.
    pub fn from_canonical(bytes: &[u8]) -> Result<Policy, Vec<Diagnostic>> {
        canonical::read(bytes)
    }
}
