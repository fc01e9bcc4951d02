//! An action that isn't declared.

use countersign_sdk::prelude::*;

countersign_sdk::rule!("responds.toml");

#[response]
fn respond(incident: &Incident, cx: &mut Context) {
    for subject in incident.subjects() {
        cx.propose(Proposal::new(action::Notify, subject));
        cx.propose(Proposal::new(action::RevokeSessions, subject));
    }
}

fn main() {}
