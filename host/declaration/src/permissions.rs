//! What a declaration lets a rule see and lead to, and how two of them differ. For people and for `trust.toml`: a rule is
//! bound to its declaration by digest, which says that something changed but not what.

use std::collections::BTreeSet;
use std::fmt;

use countersign_model::RuleId;
use countersign_model::vocabulary::{Action, EventClass, FieldId, IdentityType, SignalClass};
use serde::{Deserialize, Serialize};

use crate::declaration::{Declaration, Filter};

/// What a declaration lets a rule see and lead to. Limits, state and parameters aren't part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Permissions {
    /// Actions that it may lead to or ask for.
    pub actions: BTreeSet<Action>,
    /// Identity types that it is for.
    pub identity_types: BTreeSet<IdentityType>,
    /// Signal classes that it emits or answers.
    pub signal_classes: BTreeSet<SignalClass>,
    /// Event classes that it wants.
    pub event_classes: BTreeSet<EventClass>,
    /// Fields that it sees, or that its filter tests.
    pub fields: BTreeSet<FieldId>,
    /// Context tables that it wants.
    pub context: BTreeSet<String>,
    /// Rules whose findings it wants.
    pub subscribes: BTreeSet<RuleId>,
    /// The confidence below which it leads to observing alone, 0–100.
    pub confidence_floor: u8,
}

impl Permissions {
    /// Those of a declaration.
    #[must_use]
    pub fn of(declaration: &Declaration) -> Permissions {
        let mut fields: BTreeSet<FieldId> = declaration.fields.iter().copied().collect();
        tested(&declaration.filter, &mut fields);
        Permissions {
            actions: declaration.actions.iter().copied().collect(),
            identity_types: declaration.identity_types.iter().copied().collect(),
            signal_classes: declaration.signal_classes.iter().copied().collect(),
            event_classes: declaration.event_classes.iter().copied().collect(),
            fields,
            context: declaration.context.iter().map(|wanted| wanted.table.name.to_owned()).collect(),
            subscribes: declaration.subscribes.iter().map(|one| one.rule.clone()).collect(),
            confidence_floor: declaration.confidence_floor,
        }
    }

    /// How these differ from earlier ones, a line each: `+` is more, `-` less. None where they are the same.
    #[must_use]
    pub fn difference(&self, earlier: &Permissions) -> Vec<String> {
        let mut lines = Vec::new();
        for ((name, now), (_, before)) in self.lists().into_iter().zip(earlier.lists()) {
            let line = |sign: char, some: Vec<&String>| {
                let some: Vec<&str> = some.into_iter().map(String::as_str).collect();
                (!some.is_empty()).then(|| format!("{sign} {name}: {}", some.join(", ")))
            };
            lines.extend(line('+', now.difference(&before).collect()));
            lines.extend(line('-', before.difference(&now).collect()));
        }
        let (floor, before) = (self.confidence_floor, earlier.confidence_floor);
        if floor != before {
            let sign = if floor < before { '+' } else { '-' };
            lines.push(format!("{sign} confidence-floor: {floor}, was {before}"));
        }
        lines
    }

    /// Each list by its key.
    fn lists(&self) -> [(&'static str, BTreeSet<String>); 7] {
        fn texts<T: ToString>(items: &BTreeSet<T>) -> BTreeSet<String> {
            items.iter().map(ToString::to_string).collect()
        }
        let fields = self.fields.iter().map(|field| field.field().path.to_owned()).collect();
        [
            ("actions", texts(&self.actions)),
            ("identity-types", texts(&self.identity_types)),
            ("signal-classes", texts(&self.signal_classes)),
            ("event-classes", texts(&self.event_classes)),
            ("fields", fields),
            ("context", self.context.clone()),
            ("subscribes", texts(&self.subscribes)),
        ]
    }
}

/// An inline table of TOML, without empty lists.
impl fmt::Display for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{ ")?;
        for (name, items) in self.lists().into_iter().filter(|(_, items)| !items.is_empty()) {
            let items: Vec<String> = items.iter().map(|item| format!("\"{item}\"")).collect();
            write!(f, "{name} = [{}], ", items.join(", "))?;
        }
        write!(f, "confidence-floor = {} }}", self.confidence_floor)
    }
}

/// The fields that a filter tests.
fn tested(filter: &Filter, fields: &mut BTreeSet<FieldId>) {
    match filter {
        Filter::Always => {}
        Filter::And(all) | Filter::Or(all) => all.iter().for_each(|one| tested(one, fields)),
        Filter::Not(one) => tested(one, fields),
        Filter::Test { field, .. } => {
            fields.insert(*field);
        }
    }
}

#[cfg(test)]
#[path = "../tests/unit/permissions.rs"]
mod tests;
