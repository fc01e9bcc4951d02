//! The table `egress`: whether a source address is one from which the organisation's own traffic leaves.

use countersign_declaration::{ContextWanted, Network};
use countersign_model::Value;
use countersign_model::call::ContextTable;
use countersign_model::vocabulary::Keying;
use countersign_policy::{Egress, EgressExit, MAX_BYTES};
use countersign_stream::ContextCall;

use crate::files::{FileTable, TextTable};
use crate::table::{TableRow, addresses, build, dated, text};

pub(crate) const TABLE: FileTable = FileTable {
    name: "egress",
    help: "The networks from which the organisation's own traffic leaves: VPN, proxies, offices [default: not known]",
    repeatable: false,
    max_bytes: MAX_BYTES,
    empty: || TextTable::empty(Egress::parse, table),
};

/// By row or key what is declared about the address: no values where it lies in no declared network, missing where
/// there is no address. By batch every declared network.
fn table(egress: &Egress, wanted: &ContextWanted, call: &ContextCall<'_>) -> ContextTable {
    let availability = dated(egress.as_of(), wanted, call.now);
    if wanted.keying == Keying::Batch {
        let row = |(network, exit)| TableRow::of(wanted, availability, |column| cell(column, network, exit));
        return build(wanted, egress.iter().map(row).collect(), Some(availability));
    }
    let rows = addresses(wanted.keying, call).into_iter().map(|(address, _)| match address {
        Some(address) => {
            let found = egress.find(address);
            TableRow::of(wanted, availability, |column| found.and_then(|(network, exit)| cell(column, network, exit)))
        }
        None => TableRow::missing(wanted),
    });
    build(wanted, rows.collect(), None)
}

fn cell(column: &str, network: Network, exit: &EgressExit) -> Option<Value> {
    match column {
        "network" => text(network.to_string()),
        "name" => text(&exit.name),
        "kind" => text(exit.kind.id()),
        "provider" => exit.provider.as_ref().and_then(text),
        "asn" => exit.asn.map(Value::Unsigned),
        _ => None,
    }
}
