//! The closed list of context tables, with the columns that a declaration may ask of each.

use crate::FieldType;

/// One column of a context table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextColumn {
    /// Its name within the table.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
    /// What it says.
    pub meaning: &'static str,
}

/// A table of context that a rule may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextTable {
    /// Its name.
    pub name: &'static str,
    /// Its columns.
    pub columns: &'static [ContextColumn],
    /// What it holds.
    pub meaning: &'static str,
}

const fn column(name: &'static str, ty: FieldType, meaning: &'static str) -> ContextColumn {
    ContextColumn { name, ty, meaning }
}

impl ContextTable {
    /// Every table.
    pub const ALL: &'static [ContextTable] = &[
        ContextTable {
            name: "identity-facts",
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column("type", FieldType::Text, "identity type"),
                column("tier", FieldType::Text, "tier"),
                column("environment", FieldType::Text, "environment"),
                column("owner", FieldType::Text, "owner's directory id"),
                column("protected", FieldType::Boolean, "never automatically contained"),
                column("break-glass", FieldType::Boolean, "emergency access"),
            ],
            meaning: "the operator's facts about identities",
        },
        ContextTable {
            name: "egress",
            columns: &[
                column("network", FieldType::Text, "network in CIDR form"),
                column("label", FieldType::Text, "what the network is"),
            ],
            meaning: "addresses from which the organisation's own traffic leaves",
        },
        ContextTable {
            name: "geo",
            columns: &[
                column("country", FieldType::Text, "ISO 3166-1 alpha-2"),
                column("latitude", FieldType::Float, "degrees, north positive"),
                column("longitude", FieldType::Float, "degrees, east positive"),
                column("radius", FieldType::Float, "accuracy, kilometres"),
                column("asn", FieldType::Unsigned, "autonomous system number"),
            ],
            meaning: "where a source address is",
        },
        ContextTable {
            name: "domain-roles",
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column("role", FieldType::Text, "domain-controller, sync-account or federation-server"),
            ],
            meaning: "machines and accounts with a role in a directory domain",
        },
        ContextTable {
            name: "posture",
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column("finding", FieldType::Text, "posture finding"),
                column("severity", FieldType::Unsigned, "OCSF severity_id"),
            ],
            meaning: "posture findings",
        },
        ContextTable {
            name: "baseline",
            columns: &[
                column("measure", FieldType::Text, "what is measured"),
                column("mean", FieldType::Float, "mean"),
                column("deviation", FieldType::Float, "standard deviation"),
                column("samples", FieldType::Unsigned, "how many it was learnt from"),
            ],
            meaning: "what is usual for a key",
        },
    ];

    /// The table with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static ContextTable> {
        Self::ALL.iter().find(|table| table.name == name)
    }
}
