//! Uses context tables of all three kinds: where a row's source address is, what egress the key is, and who has a role
//! in the domain.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, cx: &mut Context) {
    let tables = cx.tables();
    let Some(country) = tables.geo().for_row().and_then(|place| place.country()) else { return };
    if cx.parameters().expected.iter().any(|expected| expected == country) {
        return;
    }
    let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" ({address})"));
    let through = tables.egress().for_key().and_then(|egress| egress.name()).unwrap_or("no declared egress");
    let controllers = tables
        .domain_roles()
        .rows()
        .filter(|one| one.roles().into_iter().flatten().any(|role| role == "domain-controller"))
        .count();
    let found = Finding::new(class::SignIn, 55)
        .message(format!("a call from {country}{from} through {through}, beside {controllers} domain controllers"));
    cx.report(found);
}
