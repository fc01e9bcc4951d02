//! Where a key comes from: who takes part when what a rule keeps is shared out.

use std::net::IpAddr;
use std::sync::Arc;

use countersign_model::{Event, SourceId};
use serde::{Deserialize, Serialize};

use crate::keys::source_network;

/// The source, the tenant and the network of the row that made a key or set a timer. Each is shared out within the one
/// before it: a source may say anything about tenants, and a tenant's records anything about networks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(from = "(SourceId, String, Option<IpAddr>)", into = "(SourceId, String, Option<IpAddr>)")]
pub(crate) struct Origin {
    pub(crate) source: SourceId,
    /// The tenant whose telemetry the row is.
    pub(crate) tenant: Arc<str>,
    /// The network as the partition key `source-network` has it; none for a row without a source address.
    pub(crate) network: Option<IpAddr>,
}

impl Origin {
    pub(crate) fn of(event: &Event) -> Origin {
        Origin { source: event.source.clone(), tenant: Arc::clone(&event.tenant), network: source_network(event) }
    }

    /// Of what was kept before origins were.
    pub(crate) fn unknown() -> Origin {
        Origin { source: SourceId::from(""), tenant: Arc::from(""), network: None }
    }
}

impl From<(SourceId, String, Option<IpAddr>)> for Origin {
    fn from((source, tenant, network): (SourceId, String, Option<IpAddr>)) -> Origin {
        Origin { source, tenant: Arc::from(tenant), network }
    }
}

impl From<Origin> for (SourceId, String, Option<IpAddr>) {
    fn from(origin: Origin) -> Self {
        (origin.source, String::from(&*origin.tenant), origin.network)
    }
}
