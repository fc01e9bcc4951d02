//! The closed list of context tables: what each is looked up by, what its rows may stand for, and its columns.

use crate::{FieldType, Keying, PartitionKey};

/// One column of a context table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextColumn {
    /// Its name within the table.
    pub name: &'static str,
    /// Its type.
    pub ty: FieldType,
    /// What it holds.
    pub meaning: &'static str,
}

/// What a context table is looked up by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContextSubject {
    /// The source address: of the row, or the key itself where the partition key is `source-ip`.
    SourceAddress,
    /// An account: the actor's of the row, or the key itself where the partition key is `actor` or `target`.
    Account,
    /// The key, of any partition key.
    Key,
}

/// A table of context that a rule may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextTable {
    /// Its name.
    pub name: &'static str,
    /// What it is looked up by.
    pub subject: ContextSubject,
    /// What its rows may stand for.
    pub keyings: &'static [Keying],
    /// Its columns.
    pub columns: &'static [ContextColumn],
    /// What it holds.
    pub meaning: &'static str,
}

impl ContextSubject {
    /// The partition keys whose keys are such a subject. A rule with another partition key can't have the table by key.
    #[must_use]
    pub const fn partition_keys(self) -> &'static [PartitionKey] {
        match self {
            ContextSubject::SourceAddress => &[PartitionKey::SourceIp],
            ContextSubject::Account => &[PartitionKey::Actor, PartitionKey::Target],
            ContextSubject::Key => &[
                PartitionKey::Actor,
                PartitionKey::Person,
                PartitionKey::PersonOrActor,
                PartitionKey::Target,
                PartitionKey::SourceIp,
                PartitionKey::SourceNetwork,
                PartitionKey::Session,
                PartitionKey::Application,
                PartitionKey::Tenant,
            ],
        }
    }
}

const fn column(name: &'static str, ty: FieldType, meaning: &'static str) -> ContextColumn {
    ContextColumn { name, ty, meaning }
}

impl ContextTable {
    /// Every table.
    pub const ALL: &'static [ContextTable] = &[
        ContextTable {
            name: "identity-facts",
            subject: ContextSubject::Account,
            keyings: &[Keying::Row, Keying::Key],
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column("identity", FieldType::Text, "the operator's id of the identity"),
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
            subject: ContextSubject::SourceAddress,
            keyings: &[Keying::Row, Keying::Key, Keying::Batch],
            columns: &[
                column("network", FieldType::Text, "declared network in CIDR form"),
                column("name", FieldType::Text, "the operator's name of the egress"),
                column("kind", FieldType::Text, "vpn, proxy, office, cloud or partner"),
                column("provider", FieldType::Text, "who provides the network"),
                column("asn", FieldType::Unsigned, "autonomous system number"),
            ],
            meaning: "addresses from which the organisation's own traffic leaves",
        },
        ContextTable {
            name: "geo",
            subject: ContextSubject::SourceAddress,
            keyings: &[Keying::Row, Keying::Key],
            columns: &[
                column("country", FieldType::Text, "ISO 3166-1 alpha-2, or as the record names it"),
                column("city", FieldType::Text, "city, in English or as the record names it"),
                column("latitude", FieldType::Float, "degrees, north positive"),
                column("longitude", FieldType::Float, "degrees, east positive"),
                column("radius", FieldType::Float, "accuracy of the coordinates, kilometres"),
                column("asn", FieldType::Unsigned, "autonomous system number"),
                column("organisation", FieldType::Text, "organisation of the autonomous system"),
            ],
            meaning: "where a source address is",
        },
        ContextTable {
            name: "domain-roles",
            subject: ContextSubject::Account,
            keyings: &[Keying::Row, Keying::Key, Keying::Batch],
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column(
                    "host",
                    FieldType::Text,
                    "the host whose role the account has, where the account is the host's own",
                ),
                column(
                    "roles",
                    FieldType::TextList,
                    "domain-controller, sync-account, federation-service, certificate-authority",
                ),
            ],
            meaning: "machines and accounts with a role in a directory domain",
        },
        ContextTable {
            name: "posture",
            subject: ContextSubject::Account,
            keyings: &[Keying::Row, Keying::Key],
            columns: &[
                column("account", FieldType::Text, "account in text form"),
                column("findings", FieldType::TextList, "open posture findings"),
                column("severity", FieldType::Unsigned, "the greatest OCSF severity_id among them"),
            ],
            meaning: "posture findings",
        },
        ContextTable {
            name: "baseline",
            subject: ContextSubject::Key,
            keyings: &[Keying::Key],
            columns: &[
                column("mean", FieldType::Float, "mean events an hour"),
                column("deviation", FieldType::Float, "standard deviation"),
                column("samples", FieldType::Unsigned, "how many hours it was learnt from"),
            ],
            meaning: "what is usual for a key",
        },
    ];

    /// The table with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<&'static ContextTable> {
        Self::ALL.iter().find(|table| table.name == name)
    }

    /// The place of a column in the table's list.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}
