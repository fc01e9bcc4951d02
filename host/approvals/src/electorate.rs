//! Who may answer a card: people with the role, but for those who have a part in it.

use std::collections::{BTreeMap, BTreeSet};

use countersign_model::vocabulary::text_ids;
use countersign_policy::{Person, PersonRole};

text_ids! {
    /// Why a person with the role may not answer a card.
    pub enum Bar {
        /// The action is about an account of the person.
        Subject = "subject",
        /// An account of the person is in the incident, or in the chain of one that is.
        InIncident = "in-incident",
        /// The person owns a rule that found or proposes it.
        RuleOwner = "rule-owner",
        /// The person had the generation serve that raised it.
        AppliedGeneration = "applied-generation",
        /// An account of the person is contained now.
        Contained = "contained",
    }
}

/// The people as of now, and who of them may not answer.
#[derive(Clone, Debug)]
pub struct Electorate<'a> {
    /// The people of the generation that serves.
    pub persons: &'a [Person],
    /// By identity: all reasons why it may not answer this card.
    pub barred: &'a BTreeMap<String, BTreeSet<Bar>>,
}

impl Electorate<'_> {
    /// Why a person may not answer; nothing if it may.
    pub fn bars(&self, identity: &str) -> impl Iterator<Item = Bar> {
        self.barred.get(identity).into_iter().flatten().copied()
    }

    /// How many may answer who have one of these roles.
    #[must_use]
    pub fn count(&self, roles: &[PersonRole]) -> usize {
        let may = |person: &&Person| self.has_role(person, roles) && self.bars(&person.identity).next().is_none();
        // Without a key nobody can sign.
        self.persons.iter().filter(may).filter(|person| !person.keys.is_empty()).count()
    }

    /// Whether a person has one of these roles.
    pub(crate) fn has_role(&self, person: &Person, roles: &[PersonRole]) -> bool {
        roles.iter().any(|role| person.has(*role))
    }

    /// The person of this identity who has the key of this fingerprint, if both are so still.
    pub(crate) fn holder(&self, identity: &str, key: &str) -> Option<&Person> {
        let person = self.persons.iter().find(|person| person.identity == identity)?;
        person.keys.iter().any(|known| known.to_string() == key).then_some(person)
    }
}
