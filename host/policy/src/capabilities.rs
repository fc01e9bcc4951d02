//! Capability tables: what each connector can do to which type of identity, at which level, what undoing takes, and how
//! many it reaches.

use std::collections::BTreeMap;

use countersign_document::{Diagnostic, Problem, quoted};
use countersign_model::vocabulary::{Action, ActionClass, IdentityType, Reversibility, TargetLevel, text_ids};
use serde::{Deserialize, Serialize};

use crate::axis::{self, Axis};
use crate::reader::{Item, flag, read_file, required_text, version};

/// What connectors can do, by provider, action and identity type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    entries: BTreeMap<(String, Action, IdentityType), Capability>,
}

/// What a connector can do to one type of identity with one action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Capability {
    /// The provider of the accounts, such as `aws`.
    pub provider: String,
    /// The action; never of class observe, which the host does itself, or remediate.
    pub action: Action,
    /// The identity type.
    #[serde(rename = "type")]
    pub identity_type: IdentityType,
    /// The connector, by name.
    pub connector: String,
    /// At which levels it can act, narrow first; at least one, all among the catalogue's for the action.
    pub levels: Vec<TargetLevel>,
    /// What undoing takes; irreversible if not set.
    pub reversibility: Reversibility,
    /// How many it reaches, as far as that is known before a connector can be asked; unknown if not set.
    pub reach: Reach,
    /// Whether at the level of a session it acts on that session only, and on no other of a principal that several use.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub one_session: bool,
}

text_ids! {
    /// How many principals or callers an action reaches at one account. What isn't known counts as many.
    #[derive(Default)]
    pub enum Reach {
        /// The account alone: no other principal, and no program of others that calls through it.
        One = "one",
        /// More than one.
        Many = "many",
        /// It depends on what the table can't know.
        #[default]
        Unknown = "unknown",
    }
}

impl Capabilities {
    /// Reads a capability table: `version = 1` and `[[capability]]` with `provider`, `connector`, `action`, `type`,
    /// `levels`, `reversibility` (irreversible if left out), `reach` (unknown if left out) and `one-session` (false if left
    /// out).
    ///
    /// # Errors
    /// Every fault at once.
    pub fn parse(text: &str) -> Result<Capabilities, Vec<Diagnostic>> {
        read_file(text, |table| {
            let mut capabilities = Capabilities::default();
            version(table);
            for item in table.tables("capability") {
                capabilities.read(item);
            }
            capabilities
        })
    }

    /// The tables that ship.
    ///
    /// # Errors
    /// Never: a test reads them. The type is that of [`Capabilities::parse`].
    pub fn shipped() -> Result<Capabilities, Vec<Diagnostic>> {
        Capabilities::parse(crate::SHIPPED_CAPABILITIES)
    }

    /// The capability; none where no connector has it.
    #[must_use]
    pub fn get(&self, provider: &str, action: Action, identity_type: IdentityType) -> Option<&Capability> {
        self.entries.get(&(provider.to_owned(), action, identity_type))
    }

    /// Every capability, in order of provider, action and identity type.
    pub fn iter(&self) -> impl Iterator<Item = &Capability> {
        self.entries.values()
    }

    /// Every capability for accounts of a provider and an identity type, in order of the actions.
    pub fn of(&self, provider: &str, identity_type: IdentityType) -> impl Iterator<Item = &Capability> {
        Action::ALL.iter().filter_map(move |action| self.get(provider, *action, identity_type))
    }

    fn read(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let provider = required_text(&table, "provider", "the provider of the accounts, such as `aws`");
        let connector = required_text(&table, "connector", "the connector's name");
        let known: Vec<Action> = Action::ALL
            .iter()
            .copied()
            .filter(|action| matches!(action.class(), ActionClass::Challenge | ActionClass::Contain))
            .collect();
        let what = "an action of class challenge or contain";
        let actions = axis::required(&table, "action", &known, what);
        let types = axis::required(&table, "type", IdentityType::ALL, "an identity type");
        let levels = table.required("levels", "a level, a list of them, or `*`").and_then(|item| {
            let axis = axis::read(item, TargetLevel::ALL, "a level")?;
            Some((item, axis))
        });
        let reversibility = table
            .get("reversibility")
            .and_then(|item| item.word::<Reversibility>("a reversibility"))
            .unwrap_or(Reversibility::Irreversible);
        let reach = table.get("reach").and_then(|item| item.word::<Reach>("a reach")).unwrap_or_default();
        let one_session = flag(&table, "one-session");
        table.finish();
        let (Some(provider), Some(connector), Some((levels_item, levels))) = (provider, connector, levels) else {
            return;
        };
        let types = types.map(|axis| axis.expand(IdentityType::ALL)).unwrap_or_default();
        for action in actions.map(|axis| axis.expand(&known)).unwrap_or_default() {
            if let Axis::Named(named) = &levels
                && let Some(wrong) = named.iter().find(|level| !action.levels().contains(level))
            {
                let can: Vec<&str> = action.levels().iter().map(|level| level.id()).collect();
                let expected = format!("levels at which `{action}` acts: {}", can.join(", "));
                levels_item.refuse::<()>(Problem::Conflict, expected, format!("`{wrong}`"), None);
            }
            for identity_type in types.iter().copied() {
                let capability = Capability {
                    provider: provider.clone(),
                    action,
                    identity_type,
                    connector: connector.clone(),
                    levels: levels.expand(action.levels()),
                    reversibility,
                    reach,
                    one_session: one_session && action.levels().contains(&TargetLevel::Session),
                };
                if self.entries.insert((provider.clone(), action, identity_type), capability).is_some() {
                    let got = format!("{}, `{action}`, `{identity_type}` again", quoted(&provider));
                    item.refuse::<()>(Problem::DuplicateValue, "each provider, action and type once", got, None);
                }
            }
        }
    }
}
