//! The networks from which the organisation's own traffic leaves: `egress.toml`.

use std::net::IpAddr;

use countersign_declaration::Network;
use countersign_model::Timestamp;
use countersign_model::vocabulary::EgressKind;

use crate::fault::Fault;
use crate::network::{Networks, networks, twice};
use crate::node::Node;
use crate::reader::{Faults, TableReader, as_of, tables, version};

/// Most declared networks. A rule may ask for all of them with every call, so they are few.
const MAX_NETWORKS: usize = 4_096;

/// The least bits of a network's prefix: nobody's own traffic leaves from more than a `/8`, or a `/16` of IPv6.
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
    pub fn parse(text: &str) -> Result<Egress, Vec<Fault>> {
        let root = Node::parse(text).map_err(|fault| vec![fault])?;
        let faults = Faults::default();
        let mut egress = Egress { as_of: Timestamp::MIN, exits: Vec::new(), networks: Networks::default() };
        if let Some(table) = TableReader::new(&root, &faults) {
            version(&table, &faults);
            if let Some(time) = as_of(&table, &faults) {
                egress.as_of = time;
            }
            for node in tables(table.get("egress"), &faults) {
                egress.read(node, &faults);
            }
            table.finish();
        }
        if egress.networks.len() > MAX_NETWORKS {
            let got = format!("{} networks", egress.networks.len());
            faults.push(root.fault(format!("at most {MAX_NETWORKS} networks"), None).with_got(&got));
        }
        faults.finish(egress)
    }

    fn read(&mut self, node: &Node, faults: &Faults) {
        let Some(table) = TableReader::new(node, faults) else { return };
        let name = table.required("name", "what it is called").and_then(|node| crate::reader::text(node, faults));
        let kind = table
            .required("kind", "what it is: vpn, proxy, office, cloud or partner")
            .and_then(|node| crate::reader::word(node, EgressKind::ALL, EgressKind::id, "a kind of egress", faults));
        let named = table.required("networks", "a list of networks").map(|node| networks(node, faults));
        let provider = table.text("provider");
        let asn = table.integer("asn", 1, u32::MAX.into()).and_then(|asn| u64::try_from(asn).ok());
        table.finish();
        let place = self.exits.len();
        for (node, network) in named.unwrap_or_default() {
            let least = if network.is_ipv4() { MIN_PREFIX.0 } else { MIN_PREFIX.1 };
            if network.prefix() < least {
                let hint = "name the networks that are the organisation's own".to_owned();
                faults.push(node.fault(format!("a network of at least {least} fixed bits"), Some(hint)));
            } else if !self.networks.insert(network, place) {
                faults.push(twice(node, network));
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
