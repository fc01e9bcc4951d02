//! The networks from which the organisation's own traffic leaves: `egress.toml`.

use std::net::IpAddr;

use countersign_declaration::Network;
use countersign_document::{Diagnostic, Problem};
use countersign_model::Timestamp;
use countersign_model::vocabulary::EgressKind;

use crate::network::{Networks, duplicate, networks};
use crate::reader::{Item, as_of, optional_text, read_file, required_text, version};

/// Most declared networks. A rule may ask for all of them with every call, so they are few.
const MAX_NETWORKS: usize = 4_096;

/// The least bits of a network's prefix: no organisation's own traffic leaves from more than a `/8`, or a `/16` of IPv6.
const MIN_PREFIX: (u8, u8) = (8, 16);

/// The declared networks, as of a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Egress {
    as_of: Timestamp,
    exits: Vec<EgressExit>,
    /// Places in `exits`.
    networks: Networks<usize>,
}

/// One declared way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressExit {
    /// What the operator calls it.
    pub name: String,
    /// What it is.
    pub kind: EgressKind,
    /// Who provides the networks.
    pub provider: Option<String>,
    /// Autonomous system number.
    pub asn: Option<u64>,
}

impl Egress {
    /// Reads `egress.toml`: `version = 1`, `as-of`, and `[[egress]]` with `name`, `kind`, `networks`, `provider`, `asn`.
    ///
    /// # Errors
    /// Everything wrong with it at once.
    pub fn parse(text: &str) -> Result<Egress, Vec<Diagnostic>> {
        read_file(text, |table| {
            version(table);
            let as_of = as_of(table).unwrap_or(Timestamp::MIN);
            let mut egress = Egress { as_of, exits: Vec::new(), networks: Networks::default() };
            for item in table.tables("egress") {
                egress.read(item);
            }
            egress.networks.check_count(table, MAX_NETWORKS);
            egress
        })
    }

    fn read(&mut self, item: Item<'_>) {
        let Some(table) = item.table() else { return };
        let name = required_text(&table, "name", "what it is called");
        let kind = table.read("kind", "what it is: vpn, proxy, office, cloud or partner", |item| {
            item.word("a kind of egress", EgressKind::ALL, EgressKind::id)
        });
        let networks = table.read("networks", "a list of networks", networks);
        let provider = optional_text(&table, "provider");
        let asn = table.get("asn").and_then(|item| item.integer(1, u32::MAX.into()));
        table.finish();
        let place = self.exits.len();
        for (item, network) in networks.unwrap_or_default() {
            let min = if network.is_ipv4() { MIN_PREFIX.0 } else { MIN_PREFIX.1 };
            if network.prefix() < min {
                let hint = "name the networks that are the organisation's own".to_owned();
                let expected = format!("a network of at least {min} fixed bits");
                item.refuse::<()>(Problem::OutOfRange, expected, format!("`{network}`"), Some(hint));
            } else if !self.networks.insert(network, place) {
                duplicate(item, network);
            }
        }
        if let (Some(name), Some(kind)) = (name, kind) {
            self.exits.push(EgressExit { name, kind, provider, asn });
        }
    }

    /// The time that it is as of.
    #[must_use]
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// The narrowest declared network in which an address lies, and whose it is.
    #[must_use]
    pub fn find(&self, address: IpAddr) -> Option<(Network, &EgressExit)> {
        let (network, place) = self.networks.find(address)?;
        Some((network, self.exits.get(*place)?))
    }

    /// Every declared network, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Network, &EgressExit)> {
        self.networks.iter().filter_map(|(network, place)| Some((network, self.exits.get(*place)?)))
    }
}
