//! Capability tables: what each connector can do to which type of identity, at which level, and what undoing takes.

use std::collections::BTreeMap;

use countersign_model::vocabulary::{Action, ActionClass, IdentityType, Reversibility, TargetLevel};
use serde::{Deserialize, Serialize};

use crate::axis::{self, Axis};
use crate::fault::Fault;
use crate::node::Node;
use crate::reader::{Faults, TableReader, tables, text, version};

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
    /// What undoing takes; irreversible where the table doesn't say.
    pub reversibility: Reversibility,
}

impl Capabilities {
    /// Reads a capability table: `version = 1` and `[[capability]]` with `provider`, `connector`, `action`, `type`,
    /// `levels` and `reversibility` (irreversible where it isn't said).
    ///
    /// # Errors
    /// Everything wrong with it at once.
    pub fn parse(text: &str) -> Result<Capabilities, Vec<Fault>> {
        let root = Node::parse(text).map_err(|fault| vec![fault])?;
        let faults = Faults::default();
        let mut capabilities = Capabilities::default();
        if let Some(table) = TableReader::new(&root, &faults) {
            version(&table, &faults);
            for node in tables(table.get("capability"), &faults) {
                capabilities.read(node, &faults);
            }
            table.finish();
        }
        faults.finish(capabilities)
    }

    /// The tables that ship.
    ///
    /// # Errors
    /// Never: a test reads them. The type is that of [`Capabilities::parse`].
    pub fn shipped() -> Result<Capabilities, Vec<Fault>> {
        Capabilities::parse(crate::SHIPPED_CAPABILITIES)
    }

    /// What can be done; none where no connector can do it.
    #[must_use]
    pub fn get(&self, provider: &str, action: Action, identity_type: IdentityType) -> Option<&Capability> {
        self.entries.get(&(provider.to_owned(), action, identity_type))
    }

    /// Everything that can be done to accounts of a provider and an identity type, in order of the actions.
    pub fn of(&self, provider: &str, identity_type: IdentityType) -> impl Iterator<Item = &Capability> {
        Action::ALL.iter().filter_map(move |action| self.get(provider, *action, identity_type))
    }

    fn read(&mut self, node: &Node, faults: &Faults) {
        let Some(table) = TableReader::new(node, faults) else { return };
        let named = |key, expected| table.required(key, expected).and_then(|node| text(node, faults));
        let provider = named("provider", "the provider of the accounts, such as `aws`");
        let connector = named("connector", "the connector's name");
        let known: Vec<Action> = Action::ALL
            .iter()
            .copied()
            .filter(|action| matches!(action.class(), ActionClass::Challenge | ActionClass::Contain))
            .collect();
        let what = "an action of class challenge or contain";
        let actions = table
            .required("action", &format!("{what}, or a list of them"))
            .and_then(|node| axis::read(node, &known, Action::id, what, faults))
            .map(|axis| axis.expand(&known))
            .unwrap_or_default();
        let types = table
            .required("type", "an identity type, a list of them, or `*`")
            .and_then(|node| axis::read(node, IdentityType::ALL, IdentityType::id, "an identity type", faults))
            .map(|axis| axis.expand(IdentityType::ALL))
            .unwrap_or_default();
        let levels = table.required("levels", "a level or a list of them").and_then(|node| {
            let axis = axis::read(node, TargetLevel::ALL, TargetLevel::id, "a level", faults)?;
            Some((node, axis))
        });
        let reversibility = table
            .word("reversibility", Reversibility::ALL, Reversibility::id, "a reversibility")
            .unwrap_or(Reversibility::Irreversible);
        table.finish();
        let (Some(provider), Some(connector), Some((levels_node, levels))) = (provider, connector, levels) else {
            return;
        };
        for action in actions {
            if let Axis::Named(named) = &levels
                && let Some(wrong) = named.iter().find(|level| !action.levels().contains(level))
            {
                let can: Vec<&str> = action.levels().iter().map(|level| level.id()).collect();
                let mut fault = levels_node.fault(format!("levels at which `{action}` acts: {}", can.join(", ")), None);
                fault.got = format!("`{wrong}`");
                faults.push(fault);
            }
            for identity_type in types.iter().copied() {
                let capability = Capability {
                    provider: provider.clone(),
                    action,
                    identity_type,
                    connector: connector.clone(),
                    levels: levels.expand(action.levels()),
                    reversibility,
                };
                if self.entries.insert((provider.clone(), action, identity_type), capability).is_some() {
                    let expected = "each provider, action and type once".to_owned();
                    let mut fault = node.fault(expected, None);
                    fault.got = format!("`{provider}`, `{action}`, `{identity_type}` again");
                    faults.push(fault);
                }
            }
        }
    }
}
