//! Uses a context table: where a source address is.

use countersign_sdk::prelude::*;

countersign_sdk::rule!();

#[detection]
fn detect(event: &Event, cx: &mut Context) {
    let Some(place) = cx.context().geo().of_key() else { return };
    let Some(country) = place.country() else { return };
    if cx.parameters().expected.iter().all(|expected| expected != country) {
        let from = event.src_endpoint_ip().map_or_else(String::new, |address| format!(" ({address})"));
        cx.find(Finding::new(class::SignIn, 55).message(format!("a call from {country}{from}")));
    }
}
